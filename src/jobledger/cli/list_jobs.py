"""``jobledger list``: jobs, page by page."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

import typer

from jobledger._core.job import Status
from jobledger._store.filters import Filters, filter_of
from jobledger.cli import completing
from jobledger.cli.counts import tell_counts
from jobledger.cli.instants import instant
from jobledger.cli.options import AppOption, JsonOption, UrlOption
from jobledger.cli.session import Session, reported
from jobledger.cli.views import LIST_COLUMNS, list_row, tell_rest

if TYPE_CHECKING:
    from jobledger._core.report import JobPage
    from jobledger.app import App
    from jobledger.cli.output import Output

EPILOG = """\b
Examples:
  jobledger list
  jobledger list --status queued --lane scheduled
  jobledger list --type email.send --type sms.send --status failed
  jobledger list --entity customer:42 --oldest-first
  jobledger list --status failed --ended-since 2h --reason Timeout
  jobledger list --submitted-since 2026-01-31 --submitted-until 2026-02-01
  jobledger list --batch import-7 --json | jq -r '.jobs[].id'
  jobledger list --count"""
_PANEL: Final = "Filters"

Statuses: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--status", metavar="STATUS", help=f"{', '.join(Status)}; may be repeated.", rich_help_panel=_PANEL,
        autocompletion=completing.statuses,
    ),
]  # fmt: skip
Lanes: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--lane", metavar="LANE", help="Of queued jobs: ready, parked or scheduled; may be repeated.",
        rich_help_panel=_PANEL, autocompletion=completing.lanes,
    ),
]  # fmt: skip
Types: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--type", metavar="TYPE", help="Of this type; may be repeated.", rich_help_panel=_PANEL,
        autocompletion=completing.types,
    ),
]  # fmt: skip
Entity: TypeAlias = Annotated[str | None, typer.Option(metavar="NAME", help="Of this entity.", rich_help_panel=_PANEL)]
Batch: TypeAlias = Annotated[
    str | None, typer.Option(metavar="NAME", help="Submitted with this --batch-id.", rich_help_panel=_PANEL)
]
ReasonOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="REASON", help="Failed or ended for it: Timeout, MaxAttempts …", rich_help_panel=_PANEL,
        autocompletion=completing.reasons,
    ),
]  # fmt: skip
SubmittedSince: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="Not older: 2h, 7d, or 2026-01-31T14:30 (UTC).", rich_help_panel=_PANEL),
]
SubmittedUntil: TypeAlias = Annotated[
    str | None, typer.Option(metavar="TIME", help="Older: a time as above.", rich_help_panel=_PANEL)
]
EndedSince: TypeAlias = Annotated[
    str | None, typer.Option(metavar="TIME", help="Ended then or later.", rich_help_panel=_PANEL)
]
EndedUntil: TypeAlias = Annotated[
    str | None, typer.Option(metavar="TIME", help="Ended before.", rich_help_panel=_PANEL)
]


def list_jobs(
    *,
    status: Statuses = None,
    lane: Lanes = None,
    type_name: Types = None,
    entity: Entity = None,
    batch: Batch = None,
    reason: ReasonOption = None,
    submitted_since: SubmittedSince = None,
    submitted_until: SubmittedUntil = None,
    ended_since: EndedSince = None,
    ended_until: EndedUntil = None,
    limit: Annotated[int, typer.Option(metavar="N", help="Jobs on a page, up to 1,000.")] = 50,
    after: Annotated[
        str | None, typer.Option(metavar="CURSOR", help="The cursor that the page before ended with.")
    ] = None,
    oldest_first: Annotated[bool, typer.Option("--oldest-first", help="In order of submission.")] = False,
    count: Annotated[bool, typer.Option("--count", help="How many there are, by type and status.")] = False,
    app: AppOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """List jobs, the newest first. Filters narrow each other.

    A queued job is ready (it waits for a free slot), parked (behind another job of its entity) or scheduled (for its
    time, or the back-off of a retry). Payloads are not shown: `jobledger status ID` shows one.
    """
    session = Session(app, url, as_json=as_json)
    now = datetime.now(UTC)
    with reported(session.out):
        filters = Filters(
            status=status or None, lane=lane or None, type=type_name or None, entity=entity, batch=batch, reason=reason,
            submitted_since=instant(submitted_since, "--submitted-since", now),
            submitted_until=instant(submitted_until, "--submitted-until", now),
            ended_since=instant(ended_since, "--ended-since", now),
            ended_until=instant(ended_until, "--ended-until", now),
        )  # fmt: skip
        filter_of(filters, None, newest_first=True)
        if count:
            tell_counts(session, filters)
            return

    async def work(app: App) -> None:
        _tell(
            session.out, await app.jobs.list(limit=limit, after=after, newest_first=not oldest_first, **filters), limit
        )

    session.read(work)


def _tell(out: Output, page: JobPage, limit: int) -> None:
    if out.as_json:
        out.data(page)
        return
    if page.jobs:
        out.table(LIST_COLUMNS, map(list_row, page.jobs))
    tell_rest(out, page, limit, "jobs")
