"""All checks, in the order in which they are told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from jobledger.cli.doctor import (
    books,
    clocks,
    disk,
    in_use,
    limits,
    locks,
    permissions,
    place,
    sockets,
    versions,
    workers,
)
from jobledger.cli.doctor.check import Check, gone_through

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobledger.cli.doctor.finding import Finding
    from jobledger.cli.doctor.patient import Patient

CHECKS: Final[tuple[Check[Patient], ...]] = (
    Check("url", place.url),
    Check("store", place.store),
    Check("permissions", permissions.permissions),
    Check("file system", disk.file_system),
    Check("disk space", disk.space),
    Check("log", disk.log),
    Check("limits", limits.limits),
    Check("versions", versions.versions),
    Check("sqlite", versions.sqlite),
    Check("extras", versions.extras),
    Check("write lock", locks.write_lock),
    Check("open files", in_use.open_here),
    Check("workers", workers.workers),
    Check("unhandled", workers.unhandled),
    Check("jobs", workers.waiting),
    Check("clock", clocks.clocks),
    Check("wake-ups", sockets.wake_ups),
    Check("books", books.last_audit),
    Check("integrity", books.whole_file, deep=True),
    Check("audit", books.audited_now, deep=True),
)


def examined(patient: Patient, *, deep: bool) -> Iterator[tuple[str, Finding]]:
    """What each check finds."""
    return gone_through(CHECKS, patient, deep=deep)
