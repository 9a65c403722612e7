"""The write lock: whether anybody can write."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from jobledger._store.sqlite import holders
from jobledger.cli.doctor.finding import Finding, broken, ok, warning
from jobledger.cli.doctor.patient import is_file
from jobledger.cli.doctor.procs import described, is_stopped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jobledger.cli.doctor.patient import Patient

_PATIENCE: Final = 1.0
_PAUSE: Final = 0.01
_THAW: Final = "let it go on (kill -CONT {pid}), or end it (kill -KILL {pid}): then the lock is free at once"


def write_lock(patient: Patient) -> Iterator[Finding]:
    """Whether one process holds it all the time: each transaction takes it for milliseconds."""
    if not is_file(patient.lock):
        yield ok("there is no lock file yet")
        return
    holder = _steady(lambda: holders.holder(patient.lock, holders.WRITE_LOCK))
    inside = _steady(lambda: holders.database_writer(patient.shm)) if is_file(patient.shm) else None
    if inside is not None and inside != holder:
        yield _held(inside, "SQLite's own write lock", "it writes without jobledger: end its transaction, or close it")
    elif holder is not None:
        yield _held(holder, "the write lock", "wait if it migrates or writes a large batch; if it stays, end it")
    else:
        yield ok("free, or held for moments only")


def _held(pid: int, what: str, do: str) -> Finding:
    if is_stopped(pid):
        return broken(f"{described(pid)} is stopped and holds {what}: nobody can write", _THAW.format(pid=pid))
    return warning(f"{described(pid)} has held {what} for more than a second: nobody else can write", do)


def _steady(ask: Callable[[], int | None]) -> int | None:
    """Who holds it at every look, for a second."""
    first = ask()
    until = time.monotonic() + _PATIENCE
    while first is not None and time.monotonic() < until:
        time.sleep(_PAUSE)
        if ask() != first:
            return None
    return first
