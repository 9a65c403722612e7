"""Where a server lives: a directory that goes away with the process that made it, however that ends."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

from jobledger.errors import StoreError
from jobledger.testing.postgres import processes
from jobledger.testing.postgres.account import check_reached, reaches

PREFIX: Final = "jobledger-postgres-"

_LOCK: Final = "lock"
_TRAVERSED: Final = 0o711
_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - a directory of our own is made in it
_ENOUGH: Final = 1 << 30
_LONGEST_SOCKET: Final = 103
_SOCKET_NAME: Final = "/.s.PGSQL.65535"


class Place:
    """A directory with a keeper: a process that ends the server in it when this one has ended.

    Should the keeper be killed too, then whoever makes the next place beside it cleans up: a place is held by a lock.

    Attributes:
        path: the directory; the account of a server can go through it.
        sockets: a directory in it, or a link to one with a shorter path.
    """

    def __init__(self, parent: Path) -> None:
        """Make one below a directory.

        Raises:
            StoreError: nothing can be made there, or a server could not reach it.
        """
        if not parent.is_dir():
            message = f"there is no directory {parent}: make it, or choose another directory"
            raise StoreError(message)
        check_reached(parent)
        _sweep(parent)
        try:
            self.path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent)).resolve()
        except OSError as error:
            message = f"nothing can be made in {parent} ({error.strerror}): choose another directory"
            raise StoreError(message) from error
        self.path.chmod(_TRAVERSED)
        self.sockets = self.path / processes.SOCKETS
        self._make_sockets()
        self._lock = _locked(self.path)
        self._keeper = self._keep()

    def close(self) -> None:
        """Remove it, with what still runs in it."""
        if self._keeper.stdin is not None and not self._keeper.stdin.closed:
            self._keeper.stdin.close()
            self._keeper.wait()
            self._lock.close()

    def _make_sockets(self) -> None:
        if len(os.fsencode(f"{self.sockets}{_SOCKET_NAME}")) <= _LONGEST_SOCKET:
            self.sockets.mkdir()
        else:
            self.sockets.symlink_to(tempfile.mkdtemp(prefix="jobledger-", dir="/tmp"))

    def _keep(self) -> subprocess.Popen[bytes]:
        """It holds the lock too, and ends when nobody holds the other end of its input any more."""
        return subprocess.Popen(  # noqa: S603
            [sys.executable, "-I", "-S", processes.__file__, str(self.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            cwd="/",
            pass_fds=[self._lock.fileno()],
            start_new_session=True,
        )


def choose_parent(*, durable: bool, programs: bool) -> Path:
    """Where a place is made when nobody says where.

    Args:
        durable: on a disk; else in memory, if there is a file system in memory with a gigabyte free.
        programs: whether programs will be run from there.

    Raises:
        StoreError: there is no such directory.
    """
    disks = [Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")]  # noqa: S108 - as above
    memory = [] if durable or not _roomy(_MEMORY) else [_MEMORY]
    for one in (*memory, *disks):
        if one.is_dir() and os.access(one, os.W_OK) and reaches(one) and not (programs and _runs_nothing(one)):
            return one
    message = f"no temporary directory can be used, tried {', '.join(map(str, disks))}: set TMPDIR"
    raise StoreError(message)


def _roomy(directory: Path) -> bool:
    return directory.is_dir() and shutil.disk_usage(directory).free >= _ENOUGH


def _runs_nothing(directory: Path) -> bool:
    return bool(os.statvfs(directory).f_flag & getattr(os, "ST_NOEXEC", 0))


def _locked(place: Path) -> IO[bytes]:
    """The lock gets its name when it is held, so that nobody takes a new place for an old one."""
    new = place / f"{_LOCK}.new"
    lock = new.open("wb")
    fcntl.flock(lock, fcntl.LOCK_EX)
    new.rename(place / _LOCK)
    return lock


def _sweep(parent: Path) -> None:
    """Remove the places of processes that ended together with their keepers; never those of other users."""
    for place in parent.glob(f"{PREFIX}*"):
        lock = place / _LOCK
        with suppress(FileNotFoundError, BlockingIOError):
            if place.lstat().st_uid != os.geteuid() or place.is_symlink():
                continue
            with lock.open("rb") as opened:
                fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
                processes.end(place.resolve())
