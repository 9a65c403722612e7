"""``jobledger metrics``: the books as text, as a table, and what each number means."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from jobledger._metrics.reference import metrics_page
from jobledger.cli.metrics.tables import show_catalog, show_eleven, snapshot_data
from jobledger.cli.metrics.watch import DEFAULT_SECONDS, Watched, check_seconds, watch
from jobledger.cli.options import AppOption, JsonOption, UrlOption
from jobledger.cli.output import Output
from jobledger.cli.session import Session, reported
from jobledger.errors import InvalidOption

if TYPE_CHECKING:
    from jobledger.app import App

EPILOG = """\b
Examples:
  jobledger metrics --url sqlite:///jobs.db
  jobledger metrics | grep jobs_dlq_size
  jobledger metrics --table
  jobledger metrics --watch 5
  jobledger metrics --watch --json | jq -c .per_second
  jobledger metrics --catalog"""


def metrics(
    seconds: Annotated[
        float | None,
        typer.Argument(metavar="SECONDS", help="With --watch: between two looks; else 2.", show_default=False),
    ] = None,
    *,
    openmetrics: Annotated[bool, typer.Option("--openmetrics", help="Print OpenMetrics 1.0 instead.")] = False,
    table: Annotated[bool, typer.Option("--table", help="The eleven main metrics, for people.")] = False,
    catalog: Annotated[bool, typer.Option("--catalog", help="What every metric means; needs no store.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="With --catalog: as a page.")] = False,
    watching: Annotated[bool, typer.Option("--watch", help="The eleven again and again, until Ctrl-C.")] = False,
    app: AppOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the metrics as Prometheus text.

    They were committed with the jobs, so any process prints the same numbers: this one, a worker, a web server, or
    a reader of a file that nobody else has open.

    With --watch the eleven main metrics are shown in place, with how much the counters grow in a second. In a pipe
    each look is a block of lines, and with --json a line.
    """
    session = Session(app, url, as_json=as_json)
    with reported(session.out):
        _check(openmetrics, table, catalog, markdown, as_json)
        if watching:
            _watch(session, DEFAULT_SECONDS if seconds is None else seconds, openmetrics, catalog)
            return
        if seconds is not None:
            raise InvalidOption("SECONDS is for --watch: add it, or leave SECONDS out")
    if catalog:
        _tell_catalog(session.out, markdown=markdown)
        return

    async def work(app: App) -> None:
        if as_json:
            session.out.data(snapshot_data(await app.metrics.snapshot()))
        elif table:
            show_eleven(session.out, await app.metrics.snapshot())
        else:
            session.out.exact((await app.metrics.text(openmetrics=openmetrics)).decode())

    session.read(work)


def _watch(session: Session, seconds: float, *others: bool) -> None:
    if any(others):
        raise InvalidOption("--watch shows the eleven: leave --openmetrics or --catalog out")
    check_seconds(seconds)
    watched = Watched(session.url)

    async def work(app: App) -> None:
        await watch(app, session.out, watched, seconds)

    session.read(work)


def _check(*chosen: bool) -> None:
    openmetrics, table, catalog, markdown, as_json = chosen
    if sum((openmetrics, table, catalog)) > 1:
        raise InvalidOption("choose one of --openmetrics, --table and --catalog")
    if markdown and not catalog:
        raise InvalidOption("--markdown is for --catalog: add it, or leave --markdown out")
    if as_json and (openmetrics or markdown):
        raise InvalidOption("--json is a format of its own: leave --openmetrics or --markdown out")


def _tell_catalog(out: Output, *, markdown: bool) -> None:
    if markdown:
        sys.stdout.write(metrics_page())
    else:
        show_catalog(out)
