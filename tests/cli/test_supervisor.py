"""Several workers under a supervisor: kept alive, told of, refused."""

import json
import re
import signal

import pytest

from jobledger._core.job import Status
from tests.cli.crew import command_crew, heard, kill, scripted_crew, state_of
from tests.cli.shell import Program, Shell, wait_for
from tests.waiting import until_blocking

PAYLOADS = json.dumps([{"to": "a"}] * 400)


def test_a_signal_under_load_stops_all_and_puts_their_jobs_back(shell: Shell) -> None:
    endless = [shell.submit("endless") for _ in range(4)]
    words = ("worker", shell.target, "--processes=2", "--slots=2", "--threads=1", "--grace=0")
    with Program(shell, *words, log=shell.folder / "log") as crew:
        first = crew.line()
        for job_id in endless:
            wait_for(shell, job_id, Status.PROCESSING)
        shell("submit", "email.send", PAYLOADS)
        crew.stop()
        code, out, err = crew.ended()
    told = re.fullmatch(
        rf"supervisor {crew.process.pid} on {re.escape(shell.url)}: 2 workers (\d+), (\d+): email.send, poison, "
        rf"endless, gate, stuck \(2 slots and 1 threads each\); Ctrl-C stops them, "
        rf"kill -HUP {crew.process.pid} replaces them one by one\n",
        first,
    )
    assert told
    assert code == 0, err
    assert re.fullmatch(rf"supervisor {crew.process.pid} stopped after [\d.]+ s: (.* completed, )?4 released\n", out)
    assert all(f"worker {pid} ended after" in err for pid in told.groups())
    for job_id in endless:
        report = shell.json("status", job_id)
        assert (report["status"], report["attempt"], report["losses"]) == (Status.QUEUED, 1, 0)


def test_a_worker_that_is_killed_is_replaced_and_its_job_taken_over(shell: Shell) -> None:
    job_id = shell.submit("endless")
    with command_crew(shell, 2, "--grace=0") as crew:
        pids = crew.until_ready(2)
        wait_for(shell, job_id, Status.PROCESSING)
        victim = shell.json("status", job_id)
        kill(pids[0])
        kill(pids[1])
        crew.until("restarting")
        crew.until("restarting")
        crew.until_ready(2)
        until_blocking(lambda: shell.json("status", job_id)["losses"] == 1, "the job is taken over", timeout=30)
        wait_for(shell, job_id, Status.PROCESSING)
        assert {state_of(pid) for pid in pids} == {""}, "zombies are reaped"
        crew.stop()
        code, err = crew.until_end()
    assert victim["losses"] == 0
    assert code == 0
    assert [one["how"] for one in crew.of("restarting")] == ["SIGKILL", "SIGKILL"]
    assert {one["pid"] for one in crew.of("restarting")} == {*pids}
    assert all(0.25 <= one["pause"] <= 0.5 for one in crew.of("restarting"))
    assert re.search(rf"worker {pids[0]} ended after [\d.]+ s with SIGKILL; another one starts in 0\.[2-5] s", err)
    assert crew.of("stopped")[0]["attempts"] in ({"released": 1}, {"released": 2}), (
        "once more by who heard the signal last"
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("jobs:app",), "there is no module 'jobs'"),
        (("TARGET", "--url", "nonsense"), "names no store"),
    ],
)
def test_a_wrong_call_is_told_once(shell: Shell, words: tuple[str, ...], message: str) -> None:
    with Program(
        shell, "worker", *(shell.target if word == "TARGET" else word for word in words), "--processes=2"
    ) as crew:
        code, out, err = crew.ended()
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1, err
    assert message in err


def test_a_wrong_call_as_json(shell: Shell) -> None:
    with scripted_crew(shell, 3, "refused") as crew:
        code, _ = crew.until_end()
    assert code == 2
    assert [one["error"]["message"] for one in crew.events if "error" in one] == ["no such thing"]
    assert crew.of("restarting") == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--processes=0",), "processes must be 1 to 256, not 0"),
        (("--processes=257",), "processes must be 1 to 256, not 257"),
        (("--processes=2", "--grace=-1"), "grace must be at least 0"),
        (("--processes=2", "--grace=nan"), "grace must be at least 0"),
        (("--supervised=0",), "use --processes N"),
        (("--supervised=12345",), "use --processes N"),
    ],
)
def test_what_the_supervisor_refuses_by_itself(shell: Shell, words: tuple[str, ...], message: str) -> None:
    result = shell("worker", shell.target, *words)
    assert result.exit_code == 2
    assert message in result.stderr


def test_a_deployment_that_breaks_later_is_tried_again_and_again(shell: Shell) -> None:
    broken = shell.folder / "broken"
    with scripted_crew(shell, 2, "good") as crew:
        pids = crew.until_ready(2)
        broken.touch()
        kill(pids[0])
        pauses = [crew.until("restarting")["pause"] for _ in range(2)]
        broken.unlink()
        assert pids[1] in crew.until_ready(2)
        crew.stop()
        code, err = crew.until_end()
    assert code == 0, "what was repaired no longer counts"
    assert 0.25 <= pauses[0] <= 0.5 <= pauses[1] <= 1
    assert "with exit code 2 (no such thing); another one starts in" in err


def test_a_stop_while_nothing_lives_tells_what_they_died_of(shell: Shell) -> None:
    with scripted_crew(shell, 1, "good") as crew:
        kill(crew.until_ready(1)[0])
        crew.until("restarting")
        crew.stop()
        code, _ = crew.until_end()
    restarted = len(crew.of("started")) == 2  # before the signal came, on a slow machine
    assert code == (0 if restarted else 128 + signal.SIGKILL)


def test_a_worker_that_died_before_the_stop_does_not_count(shell: Shell) -> None:
    with scripted_crew(shell, 2, "good") as crew:
        kill(crew.until_ready(2)[0])
        crew.until("restarting")
        crew.stop()
        code, _ = crew.until_end()
    assert code == 0


def test_a_reader_that_went_away_stops_no_worker(shell: Shell) -> None:
    with scripted_crew(shell, 2, "good") as crew:
        pids = crew.until_ready(2)
        assert crew.process.stdout is not None
        crew.process.stdout.close()
        kill(pids[0])
        heard(crew, "is ready", times=3)
        crew.stop()
        assert crew.process.wait(timeout=30) == 0
