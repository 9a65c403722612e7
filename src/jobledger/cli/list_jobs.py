"""``jobledger list``: jobs, page by page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from jobledger._core.job import Status
from jobledger.cli.options import AppOption, JsonOption, UrlOption
from jobledger.cli.session import Session
from jobledger.cli.views import LIST_COLUMNS, list_row

if TYPE_CHECKING:
    from jobledger.app import App

EPILOG = """\b
Examples:
  jobledger list
  jobledger list --status queued --type email.send
  jobledger list --entity customer:42 --oldest-first
  jobledger list --batch import-7 --json"""


def list_jobs(
    *,
    status: Annotated[
        str | None, typer.Option("--status", metavar="STATUS", help=f"One of {', '.join(Status)}.")
    ] = None,
    type_name: Annotated[str | None, typer.Option("--type", metavar="TYPE", help="Only this type.")] = None,
    entity: Annotated[str | None, typer.Option(metavar="NAME", help="Only this entity.")] = None,
    batch: Annotated[str | None, typer.Option(metavar="NAME", help="Only this batch.")] = None,
    limit: Annotated[int, typer.Option(metavar="N", help="Jobs on a page, up to 1,000.")] = 50,
    after: Annotated[str | None, typer.Option(metavar="CURSOR", help="Where the page before ended.")] = None,
    oldest_first: Annotated[bool, typer.Option("--oldest-first", help="In order of submission.")] = False,
    app: AppOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """List jobs, the newest first.

    Payloads are not shown: `jobledger status ID` shows one.
    """
    session = Session(app, url, as_json=as_json)

    async def work(app: App) -> None:
        page = await app.jobs.list(
            status=status, type=type_name, entity=entity, batch=batch, limit=limit, after=after,
            newest_first=not oldest_first,
        )  # fmt: skip
        out = session.out
        if as_json:
            out.data(page)
            return
        if page.jobs:
            out.table(LIST_COLUMNS, map(list_row, page.jobs))
        else:
            out.note("no jobs")
        if page.next is not None:
            out.note(f"more: --after {page.next}")

    session.read(work)
