"""The jobs: which wait for long, behind what, and which do not end. What is long is what the alerts say by default."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING, Final

from jobledger._core.catalog import RUNNING
from jobledger._core.thresholds import DEFAULTS, span
from jobledger._core.totals import LedgerTotals
from jobledger._types import seconds
from jobledger.cli.doctor.finding import Finding, ok, warning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobledger._core.reads import LedgerRead, Probe
    from jobledger._types import Micros

_SHOWN: Final = 3
_RUNNING: Final = "jobledger list --status processing --oldest-first"


def jobs(books: LedgerRead) -> Iterator[Finding]:
    """Whether any job waits or runs for too long."""
    found = [*_overdue(books), *_ready(books), *_parked(books)]
    yield from found
    if not found:
        yield ok("none has waited for long, and none runs on beyond its timeout")


def _overdue(books: LedgerRead) -> Iterator[Finding]:
    for probe in books.probes:
        if probe.overdue:
            runs = "1 attempt runs" if probe.overdue == 1 else f"{probe.overdue:,} attempts run"
            name = _name(books, probe)
            yield warning(
                f"{runs} on although the timeout has passed, of {name}",
                f"see which: {_RUNNING} --type {quote(name)}; code that does not stop ends only with its worker",
            )


def _ready(books: LedgerRead) -> Iterator[Finding]:
    """Where no worker lives, another check says so."""
    waiting = _oldest(books, "oldest_ready")
    if waiting is None or not books.workers:
        return
    since, name = waiting
    waited = seconds(books.as_of - since)
    if waited > DEFAULTS.slo_wait:
        slots = f"{books.used:,} of {books.slots:,} slots are used{_by_whom(books)}"
        yield warning(
            f"a job of {name} has been ready for {span(round(waited))}; {slots}",
            f"see what holds the slots: {_RUNNING}; more workers or slots help if all that can run it are used",
        )


def _parked(books: LedgerRead) -> Iterator[Finding]:
    waiting = _oldest(books, "oldest_parked")
    if waiting is None:
        return
    since, name = waiting
    waited = seconds(books.as_of - since)
    if waited > DEFAULTS.oldest_parked:
        yield warning(
            f"a job of {name} has waited for {span(round(waited))} behind other jobs of its entity",
            f"see which entity: jobledger list --type {quote(name)} --lane parked --oldest-first",
        )


def _oldest(books: LedgerRead, what: str) -> tuple[Micros, str] | None:
    """Since when, and of which type."""
    found = [(since, _name(books, probe)) for probe in books.probes if (since := getattr(probe, what)) is not None]
    return min(found, default=None)


def _by_whom(books: LedgerRead) -> str:
    totals = LedgerTotals(books.cells)
    running = sorted(((totals.of(one.type_id, RUNNING), one.name) for one in books.types), reverse=True)
    shown = ", ".join(f"{count:,} by {name}" for count, name in running[:_SHOWN] if count)
    return f" ({shown})" if shown else ""


def _name(books: LedgerRead, probe: Probe) -> str:
    return next(one.name for one in books.types if one.type_id == probe.type_id)
