"""What SQLite and the system say of a disk, and what that means."""

import errno
import os
from pathlib import Path
from types import SimpleNamespace

import apsw
import pytest

from jobledger._store.sqlite import disk
from jobledger._store.sqlite.connection import reported
from jobledger.errors import DiskFailed, NotAStore, StoreError, StoreFull, StoreReadOnly


@pytest.mark.parametrize(
    ("code", "number", "kind", "says"),
    [
        (apsw.SQLITE_IOERR_SHMSIZE, errno.ENOSPC, StoreFull, "the disk is full under"),
        (apsw.SQLITE_IOERR_SHMSIZE, 0, StoreFull, "the disk is full under"),
        (apsw.SQLITE_IOERR_SHMSIZE, errno.EFBIG, StoreFull, "ulimit -f"),
        (apsw.SQLITE_IOERR_WRITE, errno.EFBIG, StoreFull, "ulimit -f"),
        (apsw.SQLITE_IOERR_WRITE, errno.EDQUOT, StoreFull, "the disk quota is used up"),
        (apsw.SQLITE_IOERR_WRITE, errno.EIO, StoreError, os.strerror(errno.EIO)),
        (apsw.SQLITE_IOERR_WRITE, 0, StoreError, "the disk failed under"),
        (apsw.SQLITE_IOERR_READ, errno.EIO, StoreError, os.strerror(errno.EIO)),
        (apsw.SQLITE_IOERR_FSYNC, errno.EIO, DiskFailed, os.strerror(errno.EIO)),
        (apsw.SQLITE_IOERR_FSYNC, errno.ENOSPC, DiskFailed, "may be lost, or not"),
        (apsw.SQLITE_IOERR_DIR_FSYNC, errno.EIO, DiskFailed, "writes nothing more"),
    ],
)
def test_what_an_error_means(tmp_path: Path, code: int, number: int, kind: type[StoreError], says: str) -> None:
    error = apsw.exception_for(code)
    assert isinstance(error, apsw.IOError)
    told = disk.failed(tmp_path / "jobs.db", error, number)
    assert type(told) is kind
    assert says in str(told)
    assert str(tmp_path / "jobs.db") in str(told)


@pytest.mark.parametrize(
    ("code", "undone", "unsynced"),
    [
        (apsw.SQLITE_FULL, True, False),
        (apsw.SQLITE_IOERR_WRITE, True, False),
        (apsw.SQLITE_IOERR_FSYNC, False, True),
        (apsw.SQLITE_IOERR_DIR_FSYNC, False, True),
        (apsw.SQLITE_IOERR_SHMSIZE, False, False),
        (apsw.SQLITE_IOERR_SHMMAP, False, False),
        (apsw.SQLITE_IOERR_READ, False, False),
        (apsw.SQLITE_IOERR, False, False),
        (apsw.SQLITE_BUSY, False, False),
    ],
)
def test_what_is_known_of_a_commit_that_failed(code: int, undone: bool, unsynced: bool) -> None:
    """What is neither is read back."""
    error = apsw.exception_for(code)
    assert isinstance(error, apsw.Error)
    assert (disk.is_undone(error), disk.is_unsynced(error)) == (undone, unsynced)


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreFull, match="nothing was changed; free some space"), reported(tmp_path / "jobs.db"):
        raise apsw.exception_for(apsw.SQLITE_FULL)


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ({"f_bavail": 0, "f_files": 100, "f_favail": 50}, StoreFull),
        ({"f_bavail": 10, "f_files": 100, "f_favail": 0}, StoreFull),
        ({"f_bavail": 10, "f_files": 100, "f_favail": 50}, StoreError),
        ({"f_bavail": 10, "f_files": 0, "f_favail": 0}, StoreError),  # btrfs counts no files
    ],
)
def test_a_file_that_can_not_be_created(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: dict[str, int], kind: type[StoreError]
) -> None:
    """SQLite says no more than that it can't be opened; the file system knows whether it is full."""
    monkeypatch.setattr("os.statvfs", lambda _: SimpleNamespace(**state))
    with pytest.raises(StoreError) as raised, reported(tmp_path / "jobs.db"):
        raise apsw.exception_for(apsw.SQLITE_CANTOPEN)
    assert type(raised.value) is kind


def test_a_directory_that_is_not_there_is_not_full(tmp_path: Path) -> None:
    assert not disk.has_no_space(tmp_path / "missing")


def test_a_directory_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(NotAStore, match="name a file in it"), reported(tmp_path):
        raise apsw.exception_for(apsw.SQLITE_IOERR_READ)


def test_what_may_not_be_written(tmp_path: Path) -> None:
    with pytest.raises(StoreReadOnly), reported(tmp_path / "jobs.db"):
        raise apsw.exception_for(apsw.SQLITE_READONLY)
