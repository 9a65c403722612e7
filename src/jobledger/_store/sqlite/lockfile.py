"""One lock file beside the database: byte 0 is the write lock, byte N is the life of writer N, word N its beat.

POSIX record locks belong to a process, end with it, and are not inherited by a fork: a byte that can be locked
is a dead writer. They are also dropped when *any* descriptor of the file is closed in the process, so the file is
opened once per process and never closed.

A frozen process keeps its locks. So a worker also writes a number that changes, its beat, into the same file: no
clock of one process is compared with that of another, and it works while the database can't be written.
"""

from __future__ import annotations

import os
import struct
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from jobledger._store.sqlite.disk import NO_SPACE, full
from jobledger._store.sqlite.record_lock import RECORD_LOCKS, record_lock_holder
from jobledger.errors import StoreBusy, StoreError, StoreReadOnly

if TYPE_CHECKING:
    from collections.abc import Generator

if TYPE_CHECKING or RECORD_LOCKS:
    import fcntl

_WORD: Final = struct.Struct("<q")
_SHORTEST_PAUSE: Final = 0.0002
_LONGEST_PAUSE: Final = 0.001
_PAUSE_SHARE: Final = 0.05
"""Of the time waited so far. A lock that is free while all who want it sleep is speed lost; a frozen process is not."""
_opened: dict[str, LockFile] = {}
_opening = threading.Lock()


class LockFile:
    """The record locks of one store in this process.

    Attributes:
        pid: the process that opened it; a forked child must open its own.
    """

    def __init__(self, path: Path) -> None:
        """Open the lock file; use :func:`lock_file`, which opens each file once."""
        self.pid = os.getpid()
        self._path = path
        self._mutex = threading.Lock()
        self._lives: set[int] = set()
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            if error.errno in NO_SPACE:
                raise full(path, error.errno) from error
            message = f"cannot open the lock file {path}: {error.strerror}; its directory must be writable"
            raise StoreReadOnly(message) from error

    @contextmanager
    def writing(self, timeout: float) -> Generator[None]:
        """Hold the write lock: one transaction or checkpoint at a time, over all processes.

        Raises:
            StoreBusy: another process held it for ``timeout`` seconds.
        """
        if not self._mutex.acquire(timeout=timeout):
            message = f"another thread of this process has been writing for {timeout:.0f} s"
            raise StoreBusy(message)
        try:
            self._take(timeout)
            try:
                yield
            finally:
                fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 1, 0)
        finally:
            self._mutex.release()

    def _take(self, timeout: float) -> None:
        began = time.monotonic()
        while not self._try(0):
            waited = time.monotonic() - began
            if waited > timeout:
                pid = self.writer()
                message = (
                    f"process {pid or 'unknown'} has held the write lock of {self._path} for {timeout:.0f} s: "
                    "is it frozen?"
                )
                raise StoreBusy(message, pid)
            time.sleep(min(max(waited * _PAUSE_SHARE, _SHORTEST_PAUSE), _LONGEST_PAUSE))

    def _try(self, byte: int) -> bool:
        try:
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, byte)
        except (BlockingIOError, PermissionError):
            return False
        return True

    def writer(self) -> int | None:
        """The other process that holds the write lock now; None if none does, or it can't be seen."""
        try:
            return record_lock_holder(self._descriptor, 0) or None
        except OSError:
            return None

    def live(self, writer_id: int) -> None:
        """Take the life byte of a writer of this process.

        Raises:
            StoreBusy: another process holds it, so its death would not be seen.
        """
        if not self._try(writer_id):
            message = f"another process holds the life byte of writer {writer_id} in {self._path}: try again"
            raise StoreBusy(message)
        self._lives.add(writer_id)

    def die(self, writer_id: int) -> None:
        """Give the life byte back, if it was taken."""
        if writer_id in self._lives:
            self._lives.discard(writer_id)
            fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 1, writer_id)

    def holds(self, writer_id: int) -> bool:
        """Whether this process holds the life byte: a writer belongs to the process that enlisted it."""
        return writer_id in self._lives

    def beat(self, writer_id: int, value: int) -> None:
        """Write a beat. The first one takes the space, so that later ones can be written on a full disk."""
        try:
            os.pwrite(self._descriptor, _WORD.pack(value), writer_id * _WORD.size)
        except OSError as error:
            if error.errno in NO_SPACE:
                raise full(self._path, error.errno) from error
            raise StoreError(f"the disk failed under {self._path}: {error.strerror}") from error

    def last_beat(self, writer_id: int) -> int:
        """The last beat of a writer; 0 before its first."""
        word = os.pread(self._descriptor, _WORD.size, writer_id * _WORD.size)
        return int(_WORD.unpack(word)[0]) if len(word) == _WORD.size else 0

    def close(self) -> bool:
        """Close it, if no writer of this process lives; whether it is closed."""
        if self._lives:
            return False
        with self._mutex:
            os.close(self._descriptor)
        return True

    def is_dead(self, writer_id: int) -> bool:
        """Whether the process of this writer has ended: its byte can be locked."""
        if writer_id in self._lives:
            return False
        if not self._try(writer_id):
            return False
        fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 1, writer_id)
        return True


def _forked() -> None:
    """A thread of the parent may have held it; there is none here."""
    global _opening  # noqa: PLW0603 - a lock can't be made free in place
    _opening = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


def lock_file(database: Path) -> LockFile:
    """The lock file of a database, opened once in this process; a forked child gets its own."""
    known = _opened.get(f"{database}-lock")
    if known is not None and known.pid == os.getpid():
        return known
    path = Path(f"{database.resolve()}-lock")
    with _opening:
        known = _opened.get(str(path))
        if known is None or known.pid != os.getpid():
            known = _opened[str(path)] = _kind()(path)
        return known


def let_go(database: Path) -> None:
    """Close the lock file of a database: another one may stand there now. Whoever holds a lock of it keeps it open."""
    with _opening:
        known = _opened.get(f"{database.resolve()}-lock")
        if known is not None and known.close():
            del _opened[f"{database.resolve()}-lock"]


def _kind() -> type[LockFile]:
    from jobledger._store.sqlite.sole import SoleLock

    return LockFile if RECORD_LOCKS else SoleLock
