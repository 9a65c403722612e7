"""The jobs: whether anybody runs them, and whether the books balance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from jobledger._core.books import balance
from jobledger._core.catalog import IMBALANCE, QUEUE_DEPTH, SCHEDULED
from jobledger._core.totals import LedgerTotals
from jobledger.cli.doctor.finding import Finding, broken, ok, warning
from jobledger.cli.doctor.jobs import jobs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobledger.cli.doctor.postgres.patient import Patient

_SHOWN: Final = 5
_REPORT: Final = "look at `jobledger audit`, and report it: that is a defect of jobledger"


def workers(patient: Patient) -> Iterator[Finding]:
    """Whether somebody works."""
    if not patient.works:
        return
    books = patient.books
    if books.workers:
        yield ok(f"{books.workers} live worker{_s(books.workers)}, {books.used} of {books.slots} slots used")
    elif waiting := sum(_queued(patient).values()):
        jobs = "1 job waits" if waiting == 1 else f"{waiting:,} jobs wait"
        yield warning(f"no worker lives, and {jobs} for one", "start one: jobledger worker MODULE:ATTR")
    else:
        yield ok("no worker lives, and no job waits for one")


def unhandled(patient: Patient) -> Iterator[Finding]:
    """Queued jobs of types that no live worker has a handler for."""
    if not patient.works or not patient.books.workers:
        return
    names = {type_.type_id: type_.name for type_ in patient.books.types}
    waiting = {id_: jobs for id_, jobs in _queued(patient).items() if jobs and id_ not in patient.books.handled}
    if not waiting:
        yield ok("every queued job is of a type that a live worker handles")
        return
    listed = ", ".join(f"{jobs:,} of {names[id_]}" for id_, jobs in [*waiting.items()][:_SHOWN])
    more = f" and of {len(waiting) - _SHOWN} more types" if len(waiting) > _SHOWN else ""
    yield warning(
        f"queued jobs that no live worker handles: {listed}{more}",
        "start a worker that has a handler for them, or cancel them",
    )


def waiting(patient: Patient) -> Iterator[Finding]:
    """Jobs that wait or run for too long."""
    if patient.works:
        yield from jobs(patient.books)


def last_audit(patient: Patient) -> Iterator[Finding]:
    """What a worker's upkeep found, about once a minute."""
    if not patient.works:
        return
    found = patient.books.samples.get(IMBALANCE.attribute)
    if found is None:
        yield ok("no worker has audited them yet; --deep does it now")
    elif found:
        yield broken(f"out of balance at the last audit by a worker: {found} findings", _REPORT)
    else:
        yield ok("balanced at the last audit by a worker")


def audited_now(patient: Patient) -> Iterator[Finding]:
    """Read all rows, as an audit does."""
    if not patient.works:
        return
    found = balance(patient.store.audit())
    if found.balanced:
        yield ok(f"balanced now: {len(found.checks)} equations and {len(found.rules)} rules")
    else:
        yield broken(f"out of balance now: {found.findings} findings", _REPORT)


def _queued(patient: Patient) -> dict[int, int]:
    totals = LedgerTotals(patient.books.cells)
    return {one.type_id: totals.of(one.type_id, QUEUE_DEPTH, SCHEDULED) for one in patient.books.types}


def _s(count: int) -> str:
    return "" if count == 1 else "s"
