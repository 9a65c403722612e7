"""What a disk can do to a store: be full, or fail."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Final

import apsw

from jobledger.errors import DiskFailed, NotAStore, StoreError, StoreFull

if TYPE_CHECKING:
    from pathlib import Path

NO_SPACE: Final = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "a limit on the size of files is reached (ulimit -f)",
}
"""Errors of the system that pass when space is made, and what they are called."""


def is_undone(error: apsw.Error) -> bool:
    """Whether a COMMIT that failed is known to have come to nothing.

    The last frame in the log makes a commit. When a write fails, this frame is not whole, and nobody will ever take the
    others for a commit. When it fails later (the sync, the shared memory), all frames are there, and a recovery of the
    log will find them.
    """
    return isinstance(error, apsw.FullError) or _code(error) == apsw.SQLITE_IOERR_WRITE


def is_unsynced(error: apsw.Error) -> bool:
    """Whether the system would not say that everything has reached the disk.

    A second sync proves nothing: the system may have dropped the pages, and reports that once.
    """
    return _code(error) in {apsw.SQLITE_IOERR_FSYNC, apsw.SQLITE_IOERR_DIR_FSYNC}


def is_half_made(error: apsw.Error) -> bool:
    """Whether somebody died while he changed a file that had no log yet: it is undone by the next who may write."""
    return _code(error) == apsw.SQLITE_READONLY_ROLLBACK


def _code(error: apsw.Error) -> int:
    """SQLite's extended result code: apsw sets it, its types don't know."""
    return int(getattr(error, "extendedresult", 0))


def failed(path: Path, error: apsw.IOError, number: int) -> StoreError:
    """What an I/O error means; ``number`` is the system's own error, 0 if it is not known."""
    if path.is_dir():
        return NotAStore(f"{path} is a directory: name a file in it")
    why = os.strerror(number) if number else str(error)
    if is_unsynced(error):
        return DiskFailed(
            f"the disk failed while {path} was synced ({why}): what was written last may be lost, or not. "
            "This process writes nothing more: look at the disk, and start again"
        )
    if number in NO_SPACE or _code(error) == apsw.SQLITE_IOERR_SHMSIZE:
        return full(path, number)
    return StoreError(f"the disk failed under {path}: {why}")


def full(path: Path, number: int = errno.ENOSPC) -> StoreFull:
    """There is no space, of whatever kind."""
    why = NO_SPACE.get(number, NO_SPACE[errno.ENOSPC])
    return StoreFull(f"{why} under {path}: nothing was changed; free some space")


def has_no_space(directory: Path) -> bool:
    """For a file can't be created without space, and then SQLite says no more than that it can't be opened."""
    try:
        state = os.statvfs(directory)
    except OSError:
        return False
    return not state.f_bavail or bool(state.f_files and not state.f_favail)
