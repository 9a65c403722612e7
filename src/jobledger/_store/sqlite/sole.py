"""Where there are no record locks (neither Linux nor macOS): one process at a time, and others are told so."""

from __future__ import annotations

import importlib
import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from jobledger._store.sqlite.lockfile import LockFile
from jobledger.errors import StoreBusy, StoreReadOnly

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path


class SoleLock(LockFile):
    """Holds the lock file as long as this process lives; whoever else wrote is dead, then."""

    def __init__(self, path: Path) -> None:
        """Take the whole store.

        Raises:
            StoreBusy: another process has it.
            StoreReadOnly: the lock file can't be opened.
        """
        self.pid = os.getpid()
        self._mutex = threading.Lock()
        self._beats: dict[int, int] = {}
        msvcrt: Any = importlib.import_module("msvcrt")
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            message = f"cannot open the lock file {path}: {error.strerror}; its directory must be writable"
            raise StoreReadOnly(message) from error
        try:
            msvcrt.locking(self._descriptor, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            os.close(self._descriptor)
            message = (
                f"another process writes to the store of {path}, and on this system only one can: "
                "run everything in one process, or use Linux or macOS"
            )
            raise StoreBusy(message) from error

    @contextmanager
    def writing(self, timeout: float) -> Generator[None]:
        """One thread at a time.

        Raises:
            StoreBusy: another thread has been writing for ``timeout`` seconds.
        """
        if not self._mutex.acquire(timeout=timeout):
            message = f"another thread of this process has been writing for {timeout:.0f} s"
            raise StoreBusy(message)
        try:
            yield
        finally:
            self._mutex.release()

    def live(self, writer_id: int) -> None:
        """A writer of this process."""
        self._beats[writer_id] = 0

    def die(self, writer_id: int) -> None:
        """It is gone."""
        self._beats.pop(writer_id, None)

    def holds(self, writer_id: int) -> bool:
        """Whether it is a writer of this process."""
        return writer_id in self._beats

    def beat(self, writer_id: int, value: int) -> None:
        """Nobody else is there to see it, but the doctor."""
        self._beats[writer_id] = value

    def last_beat(self, writer_id: int) -> int:
        """The last beat; 0 before its first."""
        return self._beats.get(writer_id, 0)

    def close(self) -> bool:
        """Never: it holds the whole store."""
        return False

    def is_dead(self, writer_id: int) -> bool:
        """Whoever is not of this process can't be alive."""
        return writer_id not in self._beats
