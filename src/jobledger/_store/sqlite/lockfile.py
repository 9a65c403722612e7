"""One lock file beside the database: byte 0 is the write lock, byte N is the life of writer N.

POSIX record locks belong to a process, end with it, and are not inherited by a fork: a byte that can be locked
is a dead writer. They are also dropped when *any* descriptor of the file is closed in the process, so the file is
opened once per process and never closed.
"""

from __future__ import annotations

import fcntl
import os
import struct
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from jobledger.errors import StoreBusy, StoreReadOnly

if TYPE_CHECKING:
    from collections.abc import Generator

_FLOCK: Final = "hhqqi4x"
_FIRST_PAUSE: Final = 0.0002
_LONGEST_PAUSE: Final = 0.005
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
        deadline = time.monotonic() + timeout
        pause = _FIRST_PAUSE
        while not self._try(0):
            if time.monotonic() > deadline:
                pid = self._holder()
                message = (
                    f"process {pid or 'unknown'} has held the write lock of {self._path} for {timeout:.0f} s: "
                    "is it frozen?"
                )
                raise StoreBusy(message, pid)
            time.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _try(self, byte: int) -> bool:
        try:
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, byte)
        except (BlockingIOError, PermissionError):
            return False
        return True

    def _holder(self) -> int | None:
        asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 1, 0)
        try:
            answer = struct.unpack(_FLOCK, fcntl.fcntl(self._descriptor, fcntl.F_GETLK, asked))
        except (OSError, struct.error):
            return None
        return answer[4] or None

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

    def is_dead(self, writer_id: int) -> bool:
        """Whether the process of this writer has ended: its byte can be locked."""
        if writer_id in self._lives:
            return False
        if not self._try(writer_id):
            return False
        fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 1, writer_id)
        return True


def lock_file(database: Path) -> LockFile:
    """The lock file of a database, opened once in this process; a forked child gets its own."""
    known = _opened.get(f"{database}-lock")
    if known is not None and known.pid == os.getpid():
        return known
    path = Path(f"{database.resolve()}-lock")
    with _opening:
        known = _opened.get(str(path))
        if known is None or known.pid != os.getpid():
            known = _opened[str(path)] = LockFile(path)
        return known
