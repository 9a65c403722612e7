"""The doctor among live processes: frozen, killed, holding what others need, or on other files than the rest."""

from __future__ import annotations

import json
import os
import signal
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import apsw
import pytest

from jobledger._core.job import Status
from jobledger._store.sqlite import holders
from jobledger.cli.doctor import disk, workers
from jobledger.cli.doctor.procs import state
from tests.cli.shell import Program, Shell, wait_for
from tests.cli.test_bad_input import contents
from tests.cli.test_doctor import EMAIL, everything, one, told, wrong
from tests.waiting import until_blocking

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="what others do is seen in /proc only")
OTHERS = "from jobledger import App\napp = App()\n\n\n@app.job('other')\nasync def other() -> None: ...\n"


@contextmanager
def working(shell: Shell) -> Iterator[Program]:
    """A worker that has one running job."""
    job_id = shell.submit("endless")
    with Program(shell, "worker", shell.target, "--grace", "0") as worker:
        worker.line()
        wait_for(shell, job_id, Status.PROCESSING)
        yield worker


@contextmanager
def holding(shell: Shell, store_path: Path, what: str, *words: str) -> Iterator[int]:
    """A process that holds something; it is killed at the end, frozen or not."""
    with Program(shell, what, str(store_path), *words, module="tests.cli.programs.holding") as program:
        assert program.line() == "held\n"
        if "freeze" in words:
            until_blocking(lambda: state(program.process.pid) == "T", "it has stopped")
        yield program.process.pid


def freeze(program: Program) -> None:
    program.stop(signal.SIGSTOP)
    until_blocking(lambda: state(program.process.pid) == "T", "it has stopped")


def kill(program: Program) -> None:
    program.stop(signal.SIGKILL)
    program.process.wait(timeout=30)


def test_all_is_well_while_work_goes_on(shell: Shell) -> None:
    with working(shell):
        found = told(shell)
        assert one(shell, "workers") == ("ok", "1 live worker, 0 clients")
        assert one(shell, "unhandled")[0] == one(shell, "open files")[0] == one(shell, "write lock")[0] == "ok"
        assert [finding["check"] for finding in wrong(found)] == ["url"]


def test_a_worker_that_is_stopped(shell: Shell) -> None:
    with working(shell) as worker:
        freeze(worker)
        stopped, alive = told(shell)["workers"]
        assert stopped["result"] == "warning"
        assert f"(process {worker.process.pid}) is stopped with 1 running job" in stopped["finding"]
        assert f"kill -CONT {worker.process.pid}" in stopped["do"]
        assert alive["result"] == "ok"
        worker.stop(signal.SIGCONT)
        assert one(shell, "workers")[0] == "ok"


def test_a_worker_that_was_killed_and_nobody_to_take_over(shell: Shell) -> None:
    """What it wrote is still in the log: it is read without being written back."""
    with working(shell) as worker:
        kill(worker)
    shell.submit("endless")
    before = contents(shell.folder), everything(shell.folder)
    left, nobody = told(shell)["workers"]
    assert f"(process {worker.process.pid}) has ended with 1 running job, and nobody has taken over" in left["finding"]
    assert left["do"] == "start a worker: it takes them over at once"
    assert nobody["finding"] == "no worker lives, and 1 job waits for one"
    assert shell("doctor").exit_code == 0
    assert (contents(shell.folder), everything(shell.folder)) == before


def test_a_worker_that_was_killed_is_taken_over(shell: Shell) -> None:
    """The doctor waits for that, as it takes a second or two."""
    with working(shell) as worker, Program(shell, "worker", shell.target, "--grace", "0") as other:
        other.line()
        kill(worker)
        assert one(shell, "workers") == ("ok", "1 live worker, 0 clients")


def test_a_takeover_that_does_not_come(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_TAKEOVER", 0.2)
    with working(shell) as worker, Program(shell, "worker", shell.target, "--grace", "0") as other:
        other.line()
        freeze(other)
        kill(worker)
        findings = [finding["finding"] for finding in told(shell)["workers"]]
        assert any("has ended with 1 running job" in finding for finding in findings)
        other.stop(signal.SIGCONT)


def test_jobs_that_no_live_worker_handles(shell: Shell) -> None:
    (shell.folder / "handlers_of_another.py").write_text(OTHERS, encoding="utf-8")
    with working(shell):
        shell("submit", "other", "--app", "handlers_of_another:app")
        result, finding = one(shell, "unhandled")
    assert (result, finding) == ("warning", "queued jobs that no live worker handles: 1 of other")


def test_a_frozen_process_that_holds_the_write_lock(shell: Shell, store_path: Path) -> None:
    shell("migrate")
    with holding(shell, store_path, "lock", "freeze") as pid:
        result, finding = one(shell, "write lock")
        assert shell("doctor").exit_code == 1
        assert f"kill -KILL {pid}" in told(shell)["write lock"][0]["do"]
    assert result == "broken"
    assert finding.startswith(f"process {pid} (")
    assert finding.endswith("is stopped and holds the write lock: nobody can write")
    assert one(shell, "write lock")[0] == "ok"


def test_a_process_that_holds_the_write_lock_for_long(shell: Shell, store_path: Path) -> None:
    shell("migrate")
    with holding(shell, store_path, "lock"):
        assert one(shell, "write lock")[0] == "warning"


def test_another_program_in_a_transaction(shell: Shell, store_path: Path) -> None:
    """Not the process that waits for it is to blame, though that holds our own lock."""
    with working(shell), holding(shell, store_path, "database") as pid:
        result, finding = one(shell, "write lock")
    assert result == "warning"
    assert finding.startswith(f"process {pid} (")
    assert "has held SQLite's own write lock for more than a second" in finding


def test_a_reader_that_never_ends(shell: Shell, store_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.submit("email.send", EMAIL)
    with holding(shell, store_path, "reading") as pid:
        shell.submit("email.send", json.dumps([{"to": "x" * 900}] * 100))
        assert one(shell, "log")[0] == "ok"
        wal, shm = (store_path.with_name(f"jobs.db-{what}") for what in ("wal", "shm"))
        size = wal.stat().st_size
        assert holders.log(wal, shm) == (size, size - 32), "of the log all but its header waits to be written back"
        monkeypatch.setattr(disk, "_LARGE_LOG", 10_000)
        (finding,) = told(shell)["log"]
    assert finding["result"] == "warning"
    assert finding["finding"].endswith("someone has been reading since long ago")
    assert f"look at process {pid} (" in finding["do"]


def test_a_large_log_that_nobody_reads(shell: Shell, store_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "_LARGE_LOG", 1_000)
    with working(shell) as worker:
        kill(worker)
    (finding,) = told(shell)["log"]
    assert (finding["result"], finding["do"].partition(":")[0]) == ("warning", "nobody reads now")


@contextmanager
def aside(*files: Path) -> Iterator[None]:
    """Files that have another name meanwhile."""
    moved = [(file, file.with_name(f"aside-{file.name}")) for file in files]
    for file, name in moved:
        file.rename(name)
    try:
        yield
    finally:
        for file, name in moved:
            name.replace(file)


def test_a_lock_file_that_was_deleted_or_replaced(shell: Shell, store_path: Path) -> None:
    lock = store_path.with_name("jobs.db-lock")
    with working(shell) as worker:
        for is_replaced in (False, True):
            with aside(lock):
                if is_replaced:
                    lock.touch()
                result, finding = one(shell, "open files")
                assert result == "broken"
                assert finding.startswith(f"process {worker.process.pid} (")
                assert "has another jobs.db-lock open than the one that stands there" in finding
                assert "workers" not in told(shell)
        assert one(shell, "open files")[0] == "ok"


def test_a_store_that_was_replaced(shell: Shell, store_path: Path) -> None:
    with working(shell):
        copy = store_path.read_bytes()
        with aside(store_path):
            store_path.write_bytes(copy)
            assert "has another jobs.db open than the one" in one(shell, "open files")[1]
            assert "what it wrote to the old file is not in the new one" in told(shell)["open files"][0]["do"]
        assert one(shell, "open files")[0] == "ok"


@pytest.mark.unaudited("a writer is invented")
def test_a_number_that_is_somebody_else_by_now(shell: Shell, store_path: Path) -> None:
    """A process with the number of a dead one has none of the files open, and is not accused."""
    shell("migrate")
    with closing(apsw.Connection(str(store_path))) as connection:
        connection.execute(
            "INSERT INTO writer (batch_no, dead, kind, host, pid, slots, started_at, lease)"
            " VALUES (0, 0, 'worker', ?, ?, 1, 1, 1)",
            (os.uname().nodename, os.getppid()),
        )
    found = told(shell)
    assert all(finding["result"] == "ok" for finding in found.get("open files", []))


def test_a_worker_of_a_user_who_may_not_write(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if it were another user's: its files are those of this one, and closed to others."""
    monkeypatch.setattr("jobledger.cli.doctor.permissions.user", lambda _: 4242)
    monkeypatch.setattr("jobledger.cli.doctor.permissions.groups", lambda _: frozenset())
    with working(shell) as worker:
        (finding,) = told(shell)["permissions"]
        assert finding["result"] == "broken"
        assert f"worker 2 (process {worker.process.pid}) runs as 4242, who can't write jobs.db (" in finding["finding"]


def test_limits_of_live_processes(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    with working(shell) as worker:
        really = {"Max file size": None, "Max open files": 100}
        monkeypatch.setattr("jobledger.cli.doctor.limits.limit", lambda pid, name: pid and really[name])
        (finding,) = told(shell)["limits"]
    assert f"(process {worker.process.pid}) may have 100 files open" in finding["finding"]
