"""Who holds a lock of the store's files: asked of the kernel, without taking any lock.

Only for a process that has no store open: closing a file gives up all record locks that a process has on it.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final, NamedTuple

from jobledger._store.sqlite.record_lock import record_lock_holder

if TYPE_CHECKING:
    from pathlib import Path

WRITE_LOCK: Final = 0
"""The byte of the lock file that is held around each transaction; byte N is the life of writer N."""
_SHM_WRITER: Final = 120
_SHM_READERS: Final = range(123, 128)
_SHM_OPENED: Final = 128
"""Bytes of the ``-shm`` file, as SQLite's file format fixes them: who writes to the log, reads from it, has it open."""
_HEADER: Final = struct.Struct("=16xI76xI")
_PAGE_SIZE: Final = struct.Struct("=14xH")
_FRAME_HEADER: Final = 24
_LARGEST_PAGE: Final = 65_536


class Log(NamedTuple):
    """The write-ahead log: its size in bytes, and how much of it is not in the main file yet."""

    size: int
    pending: int


def holder(path: Path, byte: int) -> int | None:
    """The process that holds a byte of a file; 0 if it can't be seen from here (a container); None if nobody does.

    Raises:
        OSError: the file can't be opened.
    """
    with path.open("rb", buffering=0) as file:
        return record_lock_holder(file.fileno(), byte)


def any_life(lock: Path) -> int | None:
    """A process that holds a life byte, whichever."""
    with lock.open("rb", buffering=0) as file:
        return record_lock_holder(file.fileno(), 1, 0)


def database_writer(shm: Path) -> int | None:
    """The process in a write transaction of SQLite; of ours each also holds the write lock."""
    return holder(shm, _SHM_WRITER)


def is_open(shm: Path) -> bool:
    """Whether any process has the database open; this one does not count."""
    return holder(shm, _SHM_OPENED) is not None


def readers(shm: Path) -> frozenset[int]:
    """Processes that are reading: the kernel names one for each of five marks."""
    with shm.open("rb", buffering=0) as file:
        return frozenset(pid for byte in _SHM_READERS if (pid := record_lock_holder(file.fileno(), byte)) is not None)


def log(wal: Path, shm: Path) -> Log:
    """The state of the write-ahead log, from its index.

    Raises:
        OSError: a file is not there, or can't be read.
    """
    size = wal.stat().st_size
    with shm.open("rb", buffering=0) as file:
        header = file.read(_HEADER.size)
    if len(header) < _HEADER.size:
        return Log(size, size)
    last, copied = _HEADER.unpack(header)
    (page,) = _PAGE_SIZE.unpack_from(header)
    frame = (_LARGEST_PAGE if page == 1 else page) + _FRAME_HEADER
    return Log(size, min(max(last - copied, 0) * frame, size))
