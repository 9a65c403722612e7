"""Whether live processes have the very files open that stand there: a deleted or replaced one divides them."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Final

from jobledger._store.sqlite import holders
from jobledger.cli.doctor.finding import Finding, broken, ok
from jobledger.cli.doctor.patient import is_file
from jobledger.cli.doctor.procs import described, open_files
from jobledger.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from jobledger.cli.doctor.patient import Patient


_BLIND: Final = "the processes don't see each other's locks"


def open_here(patient: Patient) -> Iterator[Finding]:
    """Tell of each process that works on other files."""
    found = divided(patient)
    for pid, file in found:
        then = "what it wrote to the old file is not in the new one" if file == patient.path else _BLIND
        yield broken(
            f"{described(pid)} has another {file.name} open than the one that stands there",
            f"it was deleted or replaced in use, and {then}: stop all processes of this store, and start them again",
        )
    if not found and _candidates(patient):
        yield ok("all live processes that can be seen have these files open")


def divided(patient: Patient) -> list[tuple[int, Path]]:
    """Processes of this store, each with the file that it has open in another version."""
    return [(pid, file) for pid in _candidates(patient) for file in _others(patient, pid)]


def _candidates(patient: Patient) -> list[int]:
    """Who should have the files open: by the table of writers, and by the lock file, if that is another's."""
    here = socket.gethostname()
    writers = () if isinstance(patient.facts, StoreError) else patient.facts.writers
    pids = [life.pid or 0 for life in patient.lives()] + [one.pid for one in writers if one.host == here]
    pids += [holders.any_life(patient.lock) or 0] if is_file(patient.lock) else []
    return [pid for pid in dict.fromkeys(pids) if pid and any(True for _ in open_files(pid))]


def _others(patient: Patient, pid: int) -> Iterator[Path]:
    """A process of a store has both of its files open. One that has neither may be anybody by now."""
    opened = [*open_files(pid)]
    numbers = {(found.st_dev, found.st_ino) for _, found in opened}
    names = {path for path, _ in opened}
    files = (patient.path, patient.lock)
    missing = [file for file in files if not (is_file(file) and _number(file) in numbers)]
    if len(missing) < len(files) or names & {str(file) for file in files}:
        yield from missing


def _number(file: Path) -> tuple[int, int]:
    found = file.stat()
    return found.st_dev, found.st_ino
