"""``jobledger types``: the types that the store knows, and whether anybody handles them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from jobledger._clock import SystemClock
from jobledger._core.catalog import QUEUE_DEPTH, RUNNING, SCHEDULED
from jobledger._core.priority import Priority
from jobledger._core.totals import LedgerTotals
from jobledger._store.open import open_store
from jobledger._types import seconds
from jobledger.cli.options import AppOption, JsonOption, UrlOption
from jobledger.cli.session import Session, reported
from jobledger.cli.tables import Cell, Column, Styled

if TYPE_CHECKING:
    from jobledger._core.reads import JobType, LedgerRead

EPILOG = """\b
Example:
  jobledger types --url sqlite:///jobs.db"""
_NUMBERS: Final = ("timeout", "max attempts", "queued", "running")
_COLUMNS: Final[tuple[Column | str, ...]] = (
    "type",
    "handled",
    "priority",
    *(Column(name, right=True) for name in _NUMBERS),
    "label",
)


def types(*, app: AppOption = None, url: UrlOption = None, as_json: JsonOption = False) -> None:
    """List the types that the store knows, with their defaults.

    A type is known once a worker that handles it has started. `handled` says whether a live worker has a handler
    for it now; jobs of other types wait.
    """
    session = Session(app, url, as_json=as_json)
    with reported(session.out):
        store = open_store(session.url, SystemClock().now)
        try:
            read = store.ledger()
        finally:
            store.close()
    told = [_told(type_, read) for type_ in sorted(read.types, key=lambda type_: type_.name)]
    if as_json:
        session.out.data({"types": told})
    elif told:
        session.out.table(_COLUMNS, map(_row, told))
    else:
        session.out.note("no types yet: start a worker that has handlers")


def _told(type_: JobType, read: LedgerRead) -> dict[str, Any]:
    totals = LedgerTotals(read.cells)
    return {
        "name": type_.name,
        "label": type_.label,
        "handled": type_.type_id in read.handled,
        "priority": Priority(type_.priority).label,
        "timeout": None if type_.timeout is None else seconds(type_.timeout),
        "max_attempts": type_.max_attempts,
        "queued": totals.of(type_.type_id, QUEUE_DEPTH, SCHEDULED),
        "running": totals.of(type_.type_id, RUNNING),
    }


def _row(told: dict[str, Any]) -> list[Cell]:
    timeout = "" if told["timeout"] is None else f"{told['timeout']:g} s"
    handled = Styled("yes", "green") if told["handled"] else Styled("no", "yellow")
    label = "" if told["label"] == told["name"] else str(told["label"])
    return [
        str(told["name"]), handled, str(told["priority"]), timeout, str(told["max_attempts"]), f"{told['queued']:,}",
        f"{told['running']:,}", label,
    ]  # fmt: skip
