"""Locks between processes: one writes at a time, and a dead one is known by the byte that it can't hold any more."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from jobledger._core.job import Status
from jobledger._store.sqlite.lockfile import LockFile, lock_file
from jobledger.conformance.driver import Driver
from jobledger.errors import StoreBusy, StoreError, StoreReadOnly
from tests.sqlite_file import SqliteFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SOON = 0.02
"""Seconds after which a lock that is held counts as held."""

BEGIN = """
import os, sys
from pathlib import Path
from jobledger._store.sqlite.lockfile import lock_file
path = Path(sys.argv[1])
lock = lock_file(path)
def say(word):
    print(word, flush=True)
    sys.stdin.readline()
"""
WRITING = "with lock.writing(5): say('held')\nsay('free')"
LIVING = "lock.live(7)\nsay('alive')\nlock.die(7)\nsay('gone')"
FORKING = """
lock.live(7)
child = os.fork()
if child == 0:
    own = lock_file(path)
    os._exit(0 if own is not lock and not own.is_dead(7) else 1)
say(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
WORKING = """
from jobledger._core.priority import Stride
from jobledger._store.contract import Batch, Claim, Enlistment, Group
from jobledger._store.sqlite.store import SqliteStore
import time
store = SqliteStore(path, lambda: time.time_ns() // 1000, "off")
me = store.enlist(Enlistment("worker", "there", os.getpid(), 1, (1,)))
claim = Claim((Group((1,), 1, Stride()),))
say(len(store.commit(Batch(me, 1, (), claim)).claimed))
"""


class Other:
    """Another process, stopped at the last word that it has said."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.pid = process.pid

    def says(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def go_on(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def other(path: Path, program: str) -> Iterator[Other]:
    command = [sys.executable, "-c", BEGIN + program, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Other(process)
        finally:
            process.kill()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "jobs.db"


def test_one_process_writes_at_a_time(path: Path) -> None:
    with other(path, WRITING) as writer:
        assert writer.says() == "held"
        with pytest.raises(StoreBusy) as caught, lock_file(path).writing(SOON):
            pass
        assert caught.value.pid == writer.pid
        assert f"process {writer.pid} has held the write lock" in str(caught.value)
        writer.go_on()
        assert writer.says() == "free"
        with lock_file(path).writing(SOON):
            pass


def test_the_write_lock_ends_with_its_holder(path: Path) -> None:
    with other(path, WRITING) as writer:
        assert writer.says() == "held"
        writer.kill()
        with lock_file(path).writing(5):
            pass


def test_one_thread_writes_at_a_time(path: Path) -> None:
    lock = lock_file(path)
    refused: list[BaseException] = []

    def write() -> None:
        try:
            with lock.writing(SOON):
                pass
        except StoreBusy as error:
            refused.append(error)

    with lock.writing(SOON):
        thread = threading.Thread(target=write)
        thread.start()
        thread.join()
    assert "another thread" in str(refused[0])
    write()
    assert len(refused) == 1


def test_a_transaction_that_fails_gives_the_lock_back(path: Path) -> None:
    lock = lock_file(path)
    message = "half-way"
    with pytest.raises(RuntimeError, match=message), lock.writing(SOON):
        raise RuntimeError(message)
    with lock.writing(SOON):
        pass


def test_a_writer_lives_as_long_as_its_process(path: Path) -> None:
    with other(path, LIVING) as process:
        assert process.says() == "alive"
        assert not lock_file(path).is_dead(7)
        process.kill()
        assert lock_file(path).is_dead(7)


def test_a_writer_that_says_good_bye_is_dead(path: Path) -> None:
    with other(path, LIVING) as process:
        assert process.says() == "alive"
        process.go_on()
        assert process.says() == "gone"
        assert lock_file(path).is_dead(7)


def test_asking_after_a_dead_writer_does_not_revive_it(path: Path) -> None:
    assert lock_file(path).is_dead(7)
    with other(path, LIVING) as process:
        assert process.says() == "alive"
        assert not lock_file(path).is_dead(7)


def test_own_writers_are_alive(path: Path) -> None:
    lock = lock_file(path)
    lock.live(7)
    assert not lock.is_dead(7)
    assert lock.is_dead(8)
    lock.die(7)
    assert lock.is_dead(7)


def test_writing_does_not_touch_the_lives(path: Path) -> None:
    with other(path, LIVING) as process:
        assert process.says() == "alive"
        with lock_file(path).writing(SOON):
            assert not lock_file(path).is_dead(7)


def test_a_fork_neither_inherits_nor_drops_a_life(path: Path) -> None:
    with other(path, FORKING) as process:
        assert process.says() == "0"
        assert not lock_file(path).is_dead(7)


def test_a_file_is_opened_once_in_a_process(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = lock_file(path)
    monkeypatch.chdir(path.parent)
    assert lock_file(type(path)("jobs.db")) is lock
    (path.parent / "link.db").symlink_to(path)
    assert lock_file(path.parent / "link.db") is lock
    assert lock.pid == os.getpid()


def test_a_directory_that_can_not_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoreReadOnly, match="its directory must be writable"):
        LockFile(tmp_path / "missing" / "jobs.db-lock")


def test_a_beat_that_the_disk_does_not_take_is_told_as_that(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> int:
        raise OSError(errno.EIO, "Input/output error")

    lock = lock_file(path)
    monkeypatch.setattr(os, "pwrite", fails)
    with pytest.raises(StoreError, match=r"the disk failed under .*-lock: Input/output error"):
        lock.beat(1, 1)


def test_the_job_of_a_killed_process_is_put_back_by_whoever_looks(path: Path) -> None:
    driver = Driver(SqliteFile(path))
    job_id = driver.submit()
    with other(path, WORKING) as process:
        assert process.says() == "1"
        assert driver.store.take_over() == ()
        assert driver.status(job_id) is Status.PROCESSING
        process.kill()
        (takeover,) = driver.store.take_over()
    assert (takeover.pid, takeover.host, takeover.jobs) == (process.pid, "there", (job_id,))
    assert driver.start_one().id == job_id
    driver.audit()
    driver.close()


def test_a_killed_worker_is_no_worker_even_before_it_is_taken_over(path: Path) -> None:
    """Nobody may be left to take it over, and that is what the numbers must say."""
    driver = Driver(SqliteFile(path))
    driver.submit()
    driver.store.retire(driver.worker.writer_id)
    with other(path, WORKING) as process:
        assert process.says() == "1"
        read = driver.open().ledger()
        assert (read.workers, read.slots, read.used, read.handled) == (1, 1, 1, {1})
        process.kill()
        read = driver.open().ledger()
        assert (read.workers, read.slots, read.used, read.handled) == (0, 0, 0, frozenset())
    driver.store.take_over()
    driver.audit()
    driver.close()


@pytest.mark.parametrize("held", [0.0005, 0.004, 0.015, 0.1, 5.0])
def test_whoever_waits_is_there_soon_after_the_lock_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: float
) -> None:
    """A batch holds it for milliseconds: with pauses that doubled, two processes were hardly faster than one."""
    now, tries = 0.0, 0

    def is_free(_: LockFile, byte: int) -> bool:
        nonlocal tries
        tries += 1
        return now >= held

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    monkeypatch.setattr(LockFile, "_try", is_free)
    monkeypatch.setattr("jobledger._store.sqlite.lockfile.time", SimpleNamespace(monotonic=lambda: now, sleep=sleep))
    lock = LockFile(tmp_path / "lock")
    lock._take(15.0)
    lock.close()
    assert now - held <= max(0.0002, min(held / 20, 0.001)) + 1e-9
    assert tries <= held * 1_000 + 100
