"""``jobledger top``: a store at a glance, live."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

import msgspec
import typer

from jobledger.cli import completing
from jobledger.cli.metrics.watch import DEFAULT_SECONDS, check_seconds
from jobledger.cli.options import AppOption, UrlOption
from jobledger.cli.session import Session, reported
from jobledger.cli.source import public

if TYPE_CHECKING:
    from jobledger._metrics.overview.figures import Overview

EPILOG: Final = """\b
Examples:
  jobledger top --url sqlite:///jobs.db
  jobledger top --interval 0.5 --type email.send --type sms.send
  jobledger top --once | less
  jobledger top --json | jq -r '.alerts[] | [.state, .summary] | @tsv'"""

Types: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--type", metavar="TYPE", help="Only this type; may be repeated.", autocompletion=completing.types
    ),
]  # fmt: skip


def top(
    *,
    interval: Annotated[
        float, typer.Option("--interval", metavar="SECONDS", help="Between two looks.")
    ] = DEFAULT_SECONDS,
    once: Annotated[bool, typer.Option("--once", help="Print one look and end; so does a pipe.")] = False,
    type_names: Types = None,
    app: AppOption = None,
    url: UrlOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one look as JSON and end.")] = False,
) -> None:
    """Watch a store live.

    What waits and runs, how fast and for how long; who works, on what; which entity is blocked, by which job; what
    fails, and of what; and which alerts would fire. A larger window shows more.

    It reads the store and changes nothing, works with no worker alive, and needs no Prometheus: paces and percentiles
    are of the last minute, by samples that workers leave in the store every ten seconds.

    ALERTS are those of `jobledger export alerts` with the default thresholds. One fires when its condition has held for
    as long as it asks, and is pending until that is known. Two can't be judged here: JobledgerBooksStale and
    JobledgerStoreScrapedTwice are about Prometheus itself.

    If the store goes away, that is shown, and it is tried again. Ctrl-C ends it.
    """
    session = Session(app, url, as_json=as_json)
    with reported(session.out):
        check_seconds(interval, "--interval")
        from jobledger.cli.top.feed import Feed
        from jobledger.cli.top.live import show, watch

        store = public(session.url)
        with Feed(session.url, type_names or ()) as feed:
            seen = feed.look()
            if as_json:
                session.out.data({"store": store, **_data(seen.overview)})
            elif once or not session.out.terminal:
                show(session.out, seen, store)
            else:
                watch(session.out, feed, seen, store, interval)


def _data(seen: Overview) -> dict[str, object]:
    return msgspec.structs.asdict(seen)
