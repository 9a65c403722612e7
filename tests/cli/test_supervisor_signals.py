"""Signals to a supervisor, its own death, and terminals."""

import json
import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Self

import pytest

from jobledger._core.job import Status
from tests.cli.crew import CHILD, Crew, command_crew, heard, is_suspended, kill, scripted_crew, until_gone
from tests.cli.shell import SOURCE, TESTS, Shell, wait_for
from tests.waiting import until_blocking

ON_TERMINAL = Path(__file__).parent / "programs" / "on_terminal.py"


def test_a_second_signal_is_passed_on(shell: Shell) -> None:
    job_id = shell.submit("endless")
    with command_crew(shell, 2, "--grace=600") as crew:
        crew.until_ready(2)
        wait_for(shell, job_id, Status.PROCESSING)
        crew.stop()
        heard(crew, "]: stopping", times=2)
        crew.stop(signal.SIGINT)
        code, err = crew.until_end()
    assert code == 0
    assert "supervisor: second signal" in err
    assert crew.of("stopped")[0]["attempts"] == {"released": 1}
    assert shell.status_of(job_id) is Status.QUEUED


@pytest.mark.slow
def test_a_worker_whose_code_is_stuck_ends_with_70(shell: Shell) -> None:
    job_id = shell.submit("stuck")
    with command_crew(shell, 2, "--grace=0") as crew:
        crew.until_ready(2)
        wait_for(shell, job_id, Status.PROCESSING)
        crew.stop()
        code, _ = crew.until_end()
    assert code == 70
    assert sorted(one["exit_code"] for one in crew.of("ended")) == [0, 70]


def test_a_deaf_worker_is_killed_with_all_that_it_started(shell: Shell) -> None:
    with scripted_crew(shell, 2, "deaf", margin=0.2) as crew:
        pids = crew.until_ready(2)
        crew.stop()
        code, err = crew.until_end()  # the end of stdout, which their children hold, too
    assert code == 70
    assert all(f"worker {pid} still ran 0.2 s after it was asked to stop, and was killed" in err for pid in pids)
    assert [one["how"] for one in crew.of("ended")] == ["SIGKILL"] * 2


def test_a_stop_before_anything_is_ready(shell: Shell) -> None:
    with scripted_crew(shell, 2, "mute", ready=0) as crew:
        crew.until("started", lambda _: len(crew.of("started")) == 2)
        heard(crew, "is still not ready after 0 s", times=2)
        crew.stop()
        assert crew.until_end()[0] == 0
    assert [one["how"] for one in crew.of("ended")] == ["SIGTERM"] * 2


def test_workers_do_not_outlive_a_supervisor_that_is_killed(shell: Shell) -> None:
    job_id = shell.submit("endless")
    with command_crew(shell, 2, "--grace=0") as crew:
        pids = crew.until_ready(2)
        wait_for(shell, job_id, Status.PROCESSING)
        crew.process.kill()
        code, _, err = crew.ended()  # the end of their stdout
        until_gone(*pids)
    assert code == -signal.SIGKILL
    assert err.count("the supervisor is dead: stopping, too") == 2
    report = shell.json("status", job_id)
    assert (report["status"], report["losses"], report["history"][-1]["event"]) == (Status.QUEUED, 0, "released")


def test_not_even_a_worker_that_hears_nothing_outlives_it(shell: Shell) -> None:
    """Its main thread is stuck, as in an import that hangs."""
    code = (
        "import sys, threading; from jobledger.cli.worker.lifeline import Lifeline;"
        "Lifeline(int(sys.argv[-1].partition('=')[2]), 0.1).say({'type': 'ready', 'store': '', 'types': []});"
        "threading.Event().wait()"
    )
    words = ("1", "0", "60", "60", sys.executable, "-c", code)
    with Crew(shell, *words, module="tests.cli.programs.supervising") as crew:
        pids = crew.until_ready(1)
        crew.process.kill()
        _, _, err = crew.ended()
        until_gone(*pids)
    assert "still running 0.1 s after the supervisor's death" in err


class Terminal:
    """A supervisor on a terminal of its own, in the foreground. What it prints and logs goes to a file."""

    def __init__(self, shell: Shell, command: list[str], *, prefix: tuple[str, ...] = ()) -> None:
        self.master, slave = os.openpty()
        self.log = shell.folder / "log"
        python = [sys.executable, "-m"]
        with self.log.open("w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [*prefix, sys.executable, str(ON_TERMINAL), os.ttyname(slave), *python, *command],
                start_new_session=True, cwd=shell.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=os.environ | {"PYTHONPATH": f"{SOURCE}{os.pathsep}{TESTS}", "JOBLEDGER_URL": shell.url},
            )  # fmt: skip
        self.said("is ready", times=2)
        os.close(slave)
        self.pids = [int(pid) for pid in re.findall(r"worker (\d+) is ready", self.text)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        for pid in self.pids if kind is not None else ():
            with suppress(ProcessLookupError):
                kill(pid)

    @property
    def text(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def said(self, words: str, times: int = 1) -> None:
        """Wait for it."""
        until_blocking(lambda: self.text.count(words) >= times, f"the log has {words!r}", timeout=30)

    def types(self, keys: bytes) -> None:
        """As if somebody sat there."""
        os.write(self.master, keys)

    def ended(self) -> int:
        """Wait for its end, and the workers'."""
        code = self.process.wait(timeout=30)
        until_gone(*self.pids)
        return code


def real(shell: Shell) -> list[str]:
    return ["jobledger", "worker", shell.target, "--processes=2", "--threads=2"]


SCRIPTED = ["tests.cli.programs.supervising", "2", "0", "60", "60", sys.executable, CHILD, "good"]
"""As above, and quicker: for what does not depend on the workers."""


def test_ctrl_c_counts_once(shell: Shell, tmp_path: Path) -> None:
    gate = tmp_path / "open"
    job_id = shell.submit("gate", json.dumps({"path": str(gate)}))
    with Terminal(shell, real(shell)) as terminal:
        wait_for(shell, job_id, Status.PROCESSING)
        terminal.types(b"\x03")
        terminal.said("]: stopping", times=2)
        gate.touch()
        assert terminal.ended() == 0
        assert "second signal:" not in terminal.text
        assert "Traceback" not in terminal.text
        assert terminal.text.endswith(": 1 completed\n")


def test_ctrl_z_suspends_all_and_the_shell_continues_all(shell: Shell) -> None:
    with Terminal(shell, SCRIPTED) as terminal:
        everybody = {terminal.process.pid, *terminal.pids}
        terminal.types(b"\x1a")
        until_blocking(lambda: all(map(is_suspended, everybody)), "all are suspended")
        terminal.process.send_signal(signal.SIGCONT)
        until_blocking(lambda: not any(map(is_suspended, everybody)), "all go on")
        terminal.process.send_signal(signal.SIGTERM)
        assert terminal.ended() == 0


def test_suspended_workers_do_not_outlive_a_supervisor_that_is_killed(shell: Shell) -> None:
    with Terminal(shell, real(shell)) as terminal:
        terminal.types(b"\x1a")
        until_blocking(lambda: all(map(is_suspended, terminal.pids)), "the workers are suspended")
        terminal.process.kill()
        assert terminal.ended() == -signal.SIGKILL
        terminal.said("the supervisor is dead: stopping, too", times=2)


def test_a_terminal_that_hangs_up_stops_all(shell: Shell) -> None:
    with Terminal(shell, SCRIPTED) as terminal:
        os.close(terminal.master)
        assert terminal.ended() == 0
        assert "rolling" not in terminal.text
        assert '"event":"stopped"' in terminal.text


def test_with_nohup_it_outlives_its_terminal(shell: Shell) -> None:
    with Terminal(shell, SCRIPTED, prefix=("nohup",)) as terminal:
        os.close(terminal.master)
        terminal.said("the terminal is gone: the workers go on")
        terminal.process.send_signal(signal.SIGHUP)
        terminal.said("all workers are new")
        terminal.process.send_signal(signal.SIGTERM)
        assert terminal.ended() == 0
