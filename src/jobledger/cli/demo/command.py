"""``jobledger demo``: see it work, on files that every Python has."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jobledger.cli.options import JsonOption
from jobledger.cli.output import Output
from jobledger.cli.session import reported

if TYPE_CHECKING:
    from jobledger.cli.demo.report import Report

EPILOG = """\b
Examples:
  jobledger demo
  jobledger demo --limit 300 --db /tmp/demo.db
  jobledger demo --json | jq .audit.balanced"""
_INTERRUPTED = 130


def demo(
    *,
    db: Annotated[
        Path, typer.Option(metavar="FILE", help="The database; an older one of the demo is replaced.")
    ] = Path("jobledger-demo.db"),
    slots: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Jobs at once; else twice the cores.", show_default=False)
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=100, metavar="N", help="Only so many files, evenly spread.", show_default=False)
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Run every file of Python's standard library as a job, and check the books.

    Binaries fail, are retried and end in the dead-letter queue; some jobs are cancelled, one of them in flight. At the
    end every counter is compared with what the handlers saw. The database stays, with commands to try on it. The exit
    code is 0 when the books balance and the counters are right.
    """
    out = Output(as_json=as_json)
    with reported(out):
        report = _ran(db, slots, limit, out)
    if as_json:
        out.data(report)
    else:
        _tell(report, out)
    if not report.sound:
        raise typer.Exit(1)


def _ran(db: Path, slots: int | None, limit: int | None, out: Output) -> Report:
    """Everything that the demo needs is imported here, so that other commands start without it."""
    from jobledger.cli.demo.database import url_of
    from jobledger.cli.demo.hints import WORKER, command
    from jobledger.cli.demo.run import run

    try:
        return asyncio.run(run(db, slots, limit))
    except KeyboardInterrupt:
        out.note(f"stopped; the rest goes on with: {command(WORKER, url_of(db))}")
        raise typer.Exit(_INTERRUPTED) from None


def _tell(report: Report, out: Output) -> None:
    from jobledger.cli.demo.hints import hint
    from jobledger.cli.demo.show import show

    show(report, out)
    hint(report, out)
