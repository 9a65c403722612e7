"""Without record locks a store belongs to one process, and the others are told."""

from __future__ import annotations

import os
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from jobledger._store.contract import Declaration
from jobledger._store.sqlite import lockfile
from jobledger._store.sqlite.sole import SoleLock
from jobledger.errors import StoreBusy
from tests.desk import Desk

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """A system with the locks of Windows; the inodes that are locked."""
    locked: set[int] = set()

    def locking(descriptor: int, _: int, __: int) -> None:
        inode = os.fstat(descriptor).st_ino
        if inode in locked:
            raise PermissionError(13, "Permission denied")
        locked.add(inode)

    monkeypatch.setitem(sys.modules, "msvcrt", SimpleNamespace(locking=locking, LK_NBLCK=2))
    monkeypatch.setattr(lockfile, "RECORD_LOCKS", False)
    return locked


def test_one_process_works_as_ever(elsewhere: set[int], store_path: Path) -> None:
    desk = Desk(store_path, (Declaration("work", "work"),))
    assert isinstance(lockfile.lock_file(store_path), SoleLock)
    assert len(elsewhere) == 1
    desk.submit("work")
    (job,) = desk.start()
    desk.store.renew(desk.writer_id)
    assert [(vital.ended, vital.beat > 0) for vital in desk.store.vitals()] == [(False, True)]
    desk.lose_all()
    assert [again.id for again in desk.start()] == [job.id]


@pytest.mark.usefixtures("elsewhere")
def test_a_second_process_is_refused(tmp_path: Path) -> None:
    SoleLock(tmp_path / "jobs.db-lock")
    with pytest.raises(StoreBusy, match="on this system only one can"):
        SoleLock(tmp_path / "jobs.db-lock")


@pytest.mark.usefixtures("elsewhere")
def test_who_is_not_of_this_process_is_dead(tmp_path: Path) -> None:
    lock = SoleLock(tmp_path / "jobs.db-lock")
    lock.live(3)
    assert (lock.holds(3), lock.is_dead(3), lock.is_dead(2)) == (True, False, True)
    lock.die(3)
    lock.die(3)
    assert lock.is_dead(3)
