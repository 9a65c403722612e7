import json

from jobledger._core.job import Status
from tests.cli.shell import Program, Shell, wait_for


def test_a_queued_job_without_any_worker(shell: Shell) -> None:
    job_id = shell.submit("endless")
    result = shell("cancel", job_id)
    assert (result.exit_code, result.stdout) == (0, f"{job_id}  cancelled\n")
    assert shell.status_of(job_id) is Status.CANCELLED


def test_a_running_job_is_asked_and_its_end_can_be_awaited(shell: Shell) -> None:
    asked, awaited = shell.submit("endless"), shell.submit("endless")
    with Program(shell, "worker", shell.target) as worker:
        worker.line()
        wait_for(shell, asked, Status.PROCESSING)
        wait_for(shell, awaited, Status.PROCESSING)
        assert shell("cancel", asked).stdout == f"{asked}  asked to stop\n"
        assert shell("cancel", awaited, "--wait", "30").stdout == f"{awaited}  cancelled\n"
        wait_for(shell, asked, Status.CANCELLED)


def test_a_running_job_that_does_not_end_in_time(shell: Shell) -> None:
    job_id = shell.submit("stuck")
    with Program(shell, "worker", shell.target, "--threads", "1") as worker:
        worker.line()
        wait_for(shell, job_id, Status.PROCESSING)
        result = shell("cancel", job_id, "--wait", "0.01")
        assert result.exit_code == 1
        assert "is still processing after 0.01 s" in result.stderr


def test_many_and_one_of_them_unknown(shell: Shell) -> None:
    first, second = shell.submit("endless"), shell.submit("endless")
    result = shell("cancel", first, "nope", second, first)
    assert result.exit_code == 1
    assert result.stdout == f"{first}  cancelled\n{second}  cancelled\n"
    assert result.stderr.startswith("error: no job 'nope'")


def test_as_json(shell: Shell) -> None:
    queued, ended = shell.submit("endless"), shell.submit("email.send", '{"to": "a"}')
    shell("cancel", ended)
    result = shell("cancel", queued, ended, "nope", "--json")
    assert result.exit_code == 1
    known, over, unknown = json.loads(result.stdout)["jobs"]
    assert known == {"id": queued, "answer": "cancelled"}
    assert over == {"id": ended, "answer": "already_ended", "status": "cancelled"}
    assert unknown["error"]["type"] == "NotFound"
