"""``jobledger dlq list`` and ``dlq show``: looking, without any change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from jobledger._core.headline import headline
from jobledger._core.job import Status
from jobledger.cli.completing import types
from jobledger.cli.moments import away
from jobledger.cli.options import AppOption, JobArgument, JsonOption, UrlOption
from jobledger.cli.session import Session
from jobledger.cli.tables import Cell, Column
from jobledger.cli.views import show_errors, show_report, tell_rest
from jobledger.errors import NotDead

if TYPE_CHECKING:
    from jobledger._core.report import JobSummary
    from jobledger.app import App

LIST_EPILOG = """\b
Examples:
  jobledger dlq list
  jobledger dlq list --type email.send --limit 1000"""
SHOW_EPILOG = """\b
Example:
  jobledger dlq show 01936f0c-93a3-7cc6-8d24-5a1e8c6f0b11"""
_COLUMNS: Final = (
    "id",
    "type",
    Column("entity", spare=1),
    Column("failed", right=True, spare=4),
    Column("reason", spare=2),
    Column("ended", spare=3),
    Column("error", folds=True),
)


def list_dead(
    *,
    type_name: Annotated[
        str | None, typer.Option("--type", metavar="TYPE", help="Only this type.", autocompletion=types)
    ] = None,
    entity: Annotated[str | None, typer.Option(metavar="NAME", help="Only this entity.")] = None,
    limit: Annotated[int, typer.Option(metavar="N", help="Dead letters on a page, up to 1,000.")] = 50,
    after: Annotated[
        str | None, typer.Option(metavar="CURSOR", help="The cursor that the page before ended with.")
    ] = None,
    app: AppOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """List dead letters, each with what its last error says."""
    session = Session(app, url, as_json=as_json)

    async def work(app: App) -> None:
        page = await app.jobs.list(status=Status.FAILED, type=type_name, entity=entity, limit=limit, after=after)
        out = session.out
        if as_json:
            out.data(page)
            return
        if page.jobs:
            out.table(_COLUMNS, map(_row, page.jobs))
        tell_rest(out, page, limit, "dead letters")

    session.read(work)


def show(job_id: JobArgument, *, app: AppOption = None, url: UrlOption = None, as_json: JsonOption = False) -> None:
    """Show a dead letter, with the error of every attempt."""
    session = Session(app, url, as_json=as_json)

    async def work(app: App) -> None:
        report = await app.jobs.status(job_id)
        if report.status is not Status.FAILED:
            raise NotDead(job_id, report.status, "shown here (`jobledger status` shows any)")
        if as_json:
            session.out.data(report)
            return
        show_report(session.out, report)
        show_errors(session.out, report, every=True)

    session.read(work)


def _row(job: JobSummary) -> list[Cell]:
    ended = away(job.ended_at) if job.ended_at else ""
    error = headline(job.error)
    return [job.id, job.type, job.entity or "", f"{job.failures}/{job.max_attempts}", job.reason or "", ended, error]
