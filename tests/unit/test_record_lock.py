"""Who holds a lock is asked in the system's own layout: Linux and macOS order the fields differently."""

from __future__ import annotations

import ctypes
import fcntl
import os
import sys
from typing import TYPE_CHECKING

import pytest

from jobledger._store.sqlite.lockfile import LockFile
from jobledger._store.sqlite.record_lock import record_lock_holder
from jobledger.errors import StoreBusy
from tests.unit.test_lockfile import SOON, WRITING, other

if TYPE_CHECKING:
    from pathlib import Path


class MacFlock(ctypes.Structure):
    """``struct flock`` as in ``sys/fcntl.h`` of macOS."""

    _fields_ = (
        ("start", ctypes.c_int64),
        ("length", ctypes.c_int64),
        ("pid", ctypes.c_int32),
        ("kind", ctypes.c_int16),
        ("whence", ctypes.c_int16),
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "jobs.db-lock"


@pytest.fixture
def on_macos(monkeypatch: pytest.MonkeyPatch) -> dict[int, int]:
    """A kernel that takes macOS's layout; the locked bytes, each with its holder."""
    held: dict[int, int] = {}

    def answer(_: int, command: int, asked: bytes) -> bytes:
        lock = MacFlock.from_buffer_copy(asked)
        assert (command, lock.kind, lock.whence) == (fcntl.F_GETLK, fcntl.F_WRLCK, os.SEEK_SET)
        last = lock.start + lock.length - 1 if lock.length else max(held, default=0)
        holders = [held[byte] for byte in sorted(held) if lock.start <= byte <= last]
        lock.pid, lock.kind = (holders[0], fcntl.F_WRLCK) if holders else (0, fcntl.F_UNLCK)
        return bytes(lock)

    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(fcntl, "fcntl", answer)
    return held


@pytest.mark.parametrize(
    ("byte", "length", "holder"), [(0, 1, 41), (1, 1, None), (7, 1, 42), (1, 0, 42), (8, 0, None), (0, 8, 41)]
)
def test_macos_is_asked_in_its_own_layout(
    on_macos: dict[int, int], path: Path, byte: int, length: int, holder: int | None
) -> None:
    on_macos |= {0: 41, 7: 42}
    path.touch()
    with path.open("rb") as file:
        assert record_lock_holder(file.fileno(), byte, length) == holder


def test_a_frozen_writer_is_named_on_macos(path: Path, request: pytest.FixtureRequest) -> None:
    lock = LockFile(path)
    with other(path.with_name("jobs.db"), WRITING) as writer:
        assert writer.says() == "held"
        request.getfixturevalue("on_macos")[0] = writer.pid
        with (
            pytest.raises(StoreBusy, match=f"process {writer.pid} has held the write lock") as caught,
            lock.writing(SOON),
        ):
            pass
    assert caught.value.pid == writer.pid
