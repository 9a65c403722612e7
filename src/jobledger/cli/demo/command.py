"""The command ``jobledger demo``."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer
from rich.console import Console

from jobledger.cli.demo.database import clear, inputs_of, url_of
from jobledger.cli.demo.files import find, library
from jobledger.cli.demo.handlers import DEFAULT_DB, app
from jobledger.cli.demo.live import live_on
from jobledger.cli.demo.parsing import PROCESSES
from jobledger.cli.demo.plan import plan
from jobledger.cli.demo.play import play
from jobledger.cli.demo.report import Report, collect
from jobledger.cli.demo.show import show

_SLOTS: Final = PROCESSES + 1
_WIDTH: Final = 110
_INTERRUPTED: Final = 130


def demo(
    *,
    db: Annotated[Path, typer.Option(help="The database file; an older one of the demo is replaced.")] = Path(DEFAULT_DB),
    slots: Annotated[int, typer.Option(min=1, help="Jobs at once.")] = _SLOTS,
    limit: Annotated[int | None, typer.Option(min=100, help="Only so many files, evenly spread.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Run every file of Python's standard library through jobs, and check the books."""
    try:
        report = asyncio.run(_run(db, slots, limit))
    except KeyboardInterrupt:
        typer.echo(f"stopped; what is left goes on with: {_command('worker jobledger.cli.demo.handlers:app', url_of(db))}")
        raise typer.Exit(_INTERRUPTED) from None
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(report)))
    else:
        console = Console(width=None if sys.stdout.isatty() else _WIDTH)
        show(report, console)
        _say_what_next(report, console)
    if not report.sound:
        raise typer.Exit(1)


async def _run(db: Path, slots: int, limit: int | None) -> Report:
    console = Console(stderr=True)
    await clear(db)
    url = app.url = url_of(db)
    root = library()
    console.print(f"reading {root} …", soft_wrap=True, highlight=False)
    piece = plan(root, find(root, limit), inputs_of(db))
    with live_on(console) as live:
        course = await play(piece, live, slots)
    return await collect(url, piece, course)


def _say_what_next(report: Report, console: Console) -> None:
    letter = report.dead.letters[0].id
    console.print("\n[bold]Now try[/], on the database that this left behind:", highlight=False)
    for words in (
        "status " + report.slowest[0].id,
        "list --status cancelled",
        "dlq list",
        "dlq show " + letter,
        "dlq replay " + letter,
        "worker jobledger.cli.demo.handlers:app",
        "metrics",
        "audit",
        "serve",
    ):
        console.print(f"  {_command(words, report.database)}", soft_wrap=True, highlight=False, markup=False)


def _command(words: str, url: str) -> str:
    here = Path.cwd()
    python = Path(sys.executable)
    shown = os.path.relpath(python, here) if python.is_relative_to(here) else str(python)
    return f"{shown} -m jobledger {words} --url {url}"
