"""A worker as a process: started, asked to stop, hurried, stuck."""

import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from jobledger import App
from jobledger._core.job import Status
from tests.cli.shell import Program, Shell, wait_for
from tests.waiting import until_blocking


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_and_puts_its_jobs_back(shell: Shell, number: signal.Signals) -> None:
    job_id, done = shell.submit("endless"), shell.submit("email.send", '{"to": "a"}')
    with Program(shell, "worker", shell.target, "--grace", "0", "--threads", "1") as worker:
        started = worker.line()
        wait_for(shell, job_id, Status.PROCESSING)
        wait_for(shell, done, Status.COMPLETE)
        worker.stop(number)
        code, out, err = worker.ended()
    assert started == (
        f"worker {worker.process.pid} on {shell.url}: email.send, poison, endless, gate, stuck "
        "(100 slots and 1 threads); Ctrl-C stops it\n"
    )
    assert code == 0
    assert out.endswith(": 1 completed, 1 released\n")
    assert "Traceback" not in err
    report = shell.json("status", job_id)
    assert report["status"] == Status.QUEUED
    assert (report["attempt"], report["losses"]) == (1, 0)


def test_a_running_job_may_end_in_the_grace_time(shell: Shell, tmp_path: Path) -> None:
    gate = tmp_path / "open"
    job_id = shell.submit("gate", json.dumps({"path": str(gate)}))
    with Program(shell, "worker", shell.target, "--json") as worker:
        started = json.loads(worker.line())
        wait_for(shell, job_id, Status.PROCESSING)
        worker.stop()
        heard(worker, "stopping")
        gate.touch()
        code, out, _ = worker.ended()
    assert (code, started["event"], started["pid"]) == (0, "started", worker.process.pid)
    assert json.loads(out)["attempts"] == {"completed": 1}
    assert shell.status_of(job_id) is Status.COMPLETE


def test_a_second_signal_ends_the_grace_time(shell: Shell) -> None:
    job_id = shell.submit("endless")
    with Program(shell, "worker", shell.target, "--grace", "600") as worker:
        worker.line()
        wait_for(shell, job_id, Status.PROCESSING)
        worker.stop()
        heard(worker, "stopping")
        worker.stop()
        heard(worker, "second signal")
        code, out, _ = worker.ended()
    assert code == 0
    assert out.endswith(": 1 released\n")
    assert shell.status_of(job_id) is Status.QUEUED


def test_code_that_does_not_stop_ends_the_process_and_another_worker_takes_over(shell: Shell) -> None:
    job_id = shell.submit("stuck")
    with Program(shell, "worker", shell.target, "--grace", "0", "--threads", "1") as worker:
        worker.line()
        wait_for(shell, job_id, Status.PROCESSING)
        worker.stop()
        code, _, err = worker.ended()
    assert code == 70
    assert job_id in err
    assert "Traceback" not in err
    assert shell.status_of(job_id) is Status.PROCESSING
    with Program(shell, "worker", shell.target, "--threads", "1") as other:
        other.line()
        until_blocking(lambda: shell.json("status", job_id)["losses"] == 1, "the job is taken over", timeout=30)


def test_jobs_come_from_other_processes(shell: Shell) -> None:
    shell.submit("poison")
    with Program(shell, "worker", shell.target) as worker:
        worker.line()
        with Program(shell, "submit", "email.send", '{"to": "a"}', "--wait", "30", "--json") as client:
            code, out, _ = client.ended()
    assert (code, json.loads(out)["result"]) == (0, {"to": "a", "n": 1})


def test_what_handlers_raise_cannot_act_on_the_terminal(shell: Shell) -> None:
    job_id = shell.submit("poison")
    with Program(shell, "worker", shell.target) as worker:
        worker.line()
        wait_for(shell, job_id, Status.FAILED)
        worker.stop()
        _, out, err = worker.ended()
    assert "\x1b" not in out + err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "which handlers?"),
        (("jobs",), "is not MODULE:ATTR"),
        (("jobs:app",), "there is no module 'jobs'"),
        (("TARGET", "--slots", "0"), "slots must be at least 1"),
    ],
)
def test_a_wrong_call(shell: Shell, words: tuple[str, ...], message: str, store_path: Path) -> None:
    result = shell("worker", *(shell.target if word == "TARGET" else word for word in words))
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ")
    assert message in result.stderr
    assert not store_path.exists()


def test_every_process_reads_the_same_metrics(shell: Shell, new_app: Callable[[], App]) -> None:
    shell.submit("poison")
    shell.submit("endless", "--delay", "3600")
    shell.work_off()
    module = shell.target.partition(":")[0]
    with Program(shell, module, module="tests.cli.programs.reader", stdin=subprocess.PIPE) as worker:
        assert worker.line() == "ready\n"

        def readings() -> list[str]:
            return [of_worker(worker), shell("metrics").stdout, of_cold_reader(new_app), of_worker(worker)]

        def agree() -> bool:
            first, *others = [of_jobs(text) for text in readings()]
            assert 'jobs_dlq_size{type="poison"} 1.0' in first
            return others == [first] * 3

        until_blocking(agree, "nothing moves, and all four readings are the same", timeout=30)


def of_worker(worker: Program) -> str:
    assert worker.process.stdin is not None
    worker.process.stdin.write("\n")
    worker.process.stdin.flush()
    return "".join(iter(worker.line, "# END\n"))


def of_cold_reader(new_app: Callable[[], App]) -> str:
    app = App(new_app().url, read_only=True)
    with app.blocking() as run:
        return run(app.metrics.text()).decode()


def of_jobs(text: str) -> list[str]:
    """The store's own families, without the time of the read."""
    return [line for line in text.splitlines() if line.startswith("jobs_") and "as_of" not in line]


def heard(worker: Program, words: str) -> None:
    """Wait until the worker has logged this."""
    assert worker.process.stderr is not None
    line = worker.process.stderr.readline()
    while line and words not in line:
        line = worker.process.stderr.readline()
    assert words in line, f"the worker ended without saying {words!r}"


def test_the_pid_is_its_own(shell: Shell) -> None:
    with Program(shell, "worker", shell.target, "--json") as worker:
        assert json.loads(worker.line())["pid"] == worker.process.pid != os.getpid()
