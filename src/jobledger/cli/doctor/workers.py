"""Who runs jobs: alive, frozen, or ended without a word."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from jobledger._clock import SystemClock
from jobledger._store.sqlite.checkup import ledger
from jobledger.cli.doctor.finding import Finding, ok, warning
from jobledger.cli.doctor.in_use import divided
from jobledger.cli.doctor.jobs import jobs
from jobledger.cli.doctor.patient import is_file
from jobledger.cli.doctor.procs import is_stopped
from jobledger.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

from jobledger.cli.doctor.patient import Life, Patient

_TAKEOVER: Final = 4.0
"""Seconds in which a live worker takes a dead one's jobs over; it needs one or two."""
_PAUSE: Final = 0.1
_SHOWN: Final = 5


def workers(patient: Patient) -> Iterator[Finding]:
    """Whether they live, and whether anybody does."""
    if isinstance(patient.facts, StoreError) or not is_file(patient.lock) or divided(patient):
        return
    lives = _settled(patient)
    alive = [life for life in lives if life.is_worker and life.pid is not None]
    left = [life for life in lives if life.pid is None and life.writer.running]
    for life in alive:
        if is_stopped(life.pid):
            yield warning(
                f"{life.name} is stopped{_with(life)}: others get its jobs when its lease has run out",
                f"let it go on (kill -CONT {life.pid}), or end it (kill -KILL {life.pid})",
            )
    for life in left:
        yield warning(
            f"{life.name} has ended{_with(life)}, and nobody has taken over",
            "look at the log of a live worker: it should have taken them over"
            if alive
            else "start a worker: it takes them over at once",
        )
    waiting = sum(one.jobs for one in patient.facts.queued)
    if alive:
        clients = sum(not life.is_worker and life.pid is not None for life in lives)
        yield ok(f"{len(alive)} live worker{_s(len(alive))}, {clients} client{_s(clients)}")
    elif waiting:
        jobs = "1 job waits" if waiting == 1 else f"{waiting:,} jobs wait"
        yield warning(f"no worker lives, and {jobs} for one", "start one: jobledger worker MODULE:ATTR")
    elif not left:
        yield ok("no worker lives, and no job waits for one")


def unhandled(patient: Patient) -> Iterator[Finding]:
    """Queued jobs of types that no live worker has a handler for."""
    if isinstance(patient.facts, StoreError):
        return
    alive = [life.writer for life in patient.lives() if life.is_worker and life.pid is not None]
    if not alive:
        return
    handled = frozenset[int]().union(*(writer.types for writer in alive))
    waiting = [one for one in patient.facts.queued if one.type_id not in handled]
    if not waiting:
        yield ok("every queued job is of a type that a live worker handles")
        return
    listed = ", ".join(f"{one.jobs:,} of {one.name}" for one in waiting[:_SHOWN])
    more = f" and of {len(waiting) - _SHOWN} more types" if len(waiting) > _SHOWN else ""
    yield warning(
        f"queued jobs that no live worker handles: {listed}{more}",
        "start a worker that has a handler for them, or cancel them",
    )


def waiting(patient: Patient) -> Iterator[Finding]:
    """Jobs that wait or run for too long."""
    facts = patient.facts
    if isinstance(facts, StoreError) or facts.schema < facts.newest:
        return
    ended = {life.writer.writer_id for life in patient.lives() if life.pid is None}
    yield from jobs(ledger(patient.path, SystemClock().now(), ended))


def _settled(patient: Patient) -> tuple[Life, ...]:
    """The writers, once a live worker has had the time to take dead ones over."""
    until = time.monotonic() + _TAKEOVER
    lives = patient.lives()
    while _is_due(lives) and time.monotonic() < until:
        time.sleep(_PAUSE)
        patient.look_again()
        lives = patient.lives()
    return lives


def _is_due(lives: tuple[Life, ...]) -> bool:
    takers = any(life.is_worker and life.pid is not None and not is_stopped(life.pid) for life in lives)
    return takers and any(life.pid is None for life in lives)


def _with(life: Life) -> str:
    running = life.writer.running
    return f" with {running:,} running job{_s(running)}" if running else ""


def _s(count: int) -> str:
    return "" if count == 1 else "s"
