"""What the store lies on: the file system, its space, and the log that grows on it."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, urlsplit

from jobledger._store.sqlite import holders
from jobledger._store.sqlite.filesystem import filesystem_type, network_filesystem
from jobledger.cli.doctor.finding import Finding, broken, ok, warning
from jobledger.cli.doctor.patient import is_file
from jobledger.cli.doctor.procs import described
from jobledger.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobledger.cli.doctor.patient import Patient

_KIB: Final = 1024
_UNITS: Final = ("bytes", "KiB", "MiB", "GiB", "TiB")
_MIB: Final = _KIB**2
_NO_SPACE: Final = 32 * _MIB
_LITTLE_SPACE: Final = 512 * _MIB
_NO_INODES: Final = 10
_FEW_INODES: Final = 1_000
_PASSING: Final = {
    "tmpfs": ("in memory", "the machine restarts"),
    "ramfs": ("in memory", "the machine restarts"),
    "overlay": ("in a container's own layer", "the container is removed"),
}
"""File systems that don't last: where they are, and when all is gone, synced or not."""
_LARGE_LOG: Final = 64 * _MIB
"""It is begun anew after some 4 MiB; a large batch and a slow disk make more of it, but not so much."""
_PATIENCE: Final = 1.0
_PAUSE: Final = 0.05


def size(count: int) -> str:
    """An amount of bytes, roughly.

    Example:
        >>> size(512), size(5_000_000)
        ('512 bytes', '4.8 MiB')
    """
    amount, unit = float(count), 0
    while amount >= _KIB and unit < len(_UNITS) - 1:
        amount, unit = amount / _KIB, unit + 1
    return f"{amount:.1f} {_UNITS[unit]}" if unit else f"{count} bytes"


def file_system(patient: Patient) -> Iterator[Finding]:
    """Whether its locks can be relied on, and whether it can be written at all."""
    kind = network_filesystem(patient.path)
    if kind is None:
        yield _of_this_machine(filesystem_type(patient.path))
    elif parse_qs(urlsplit(patient.url).query).get("filesystem", [""])[-1] == "any":
        yield warning(
            f"on a network file system ({kind}), and ?filesystem=any allows it",
            "make sure that only one machine ever opens it: two of them damage the file",
        )
    else:
        yield broken(
            f"on a network file system ({kind}): locks don't hold between machines",
            "put the store on a disk of the machine that runs the workers",
        )
    if patient.has_directory and os.statvfs(patient.directory).f_flag & os.ST_RDONLY:
        yield broken(f"{patient.directory} is mounted read-only", "mount it for writing")


def _of_this_machine(kind: str | None) -> Finding:
    if kind not in _PASSING:
        return ok("on a disk of this machine, as far as the system tells")
    where, when = _PASSING[kind]
    return warning(f"{where} ({kind}): the store is gone when {when}", "put it on a disk, or on a volume")


def space(patient: Patient) -> Iterator[Finding]:
    """Free space and free inodes, for this user."""
    if not patient.has_directory:
        return
    found = os.statvfs(patient.directory)
    free = found.f_bavail * found.f_frsize
    inodes = found.f_favail if found.f_files else None
    do = f"free some on the file system of {patient.directory}; nothing is lost, but nothing can be written"
    if free < _LITTLE_SPACE:
        yield (broken if free < _NO_SPACE else warning)(f"only {size(free)} are free", do)
    if inodes is not None and inodes < _FEW_INODES:
        yield (broken if inodes < _NO_INODES else warning)(f"only {inodes} more files can be made (inodes)", do)
    if free >= _LITTLE_SPACE and (inodes is None or inodes >= _FEW_INODES):
        used = sum(file.stat().st_size for file in patient.files())
        yield ok(f"{size(free)} are free; the store takes {size(used)}")


def log(patient: Patient) -> Iterator[Finding]:
    """Whether what was committed gets from the write-ahead log into the main file."""
    if isinstance(patient.facts, StoreError) or not is_file(patient.wal):
        return
    if not is_file(patient.shm):
        yield ok(f"{size(patient.wal.stat().st_size)}; nobody has the store open")
        return
    found = holders.log(patient.wal, patient.shm)
    told = f"the write-ahead log has {size(found.size)}, of which {size(found.pending)} are not in the main file yet"
    if found.pending < _LARGE_LOG:
        yield ok(told)
        return
    readers = _lasting_readers(patient)
    if readers:
        yield warning(
            f"{told}: someone has been reading since long ago",
            f"look at {', '.join(map(described, readers))}: an open read transaction, such as in a database tool, "
            "keeps the log from being written back; end it",
        )
    else:
        yield warning(
            told, "nobody reads now: the next commits write it back; if it stays, stop all processes and start again"
        )


def _lasting_readers(patient: Patient) -> list[int]:
    """Who reads all the time: short reads come and go."""
    until = time.monotonic() + _PATIENCE
    found = holders.readers(patient.shm)
    while found and time.monotonic() < until:
        time.sleep(_PAUSE)
        found &= holders.readers(patient.shm)
    return sorted(found)
