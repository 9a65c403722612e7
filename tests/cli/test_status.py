import json
from pathlib import Path

from jobledger._core.job import Status
from tests.cli.shell import Program, Shell, wait_for


def test_a_report_has_it_all(shell: Shell) -> None:
    job_id = shell.submit("email.send", '{"to": "a@b.c"}', "--entity", "customer:42", "--batch-id", "june")
    shell.work_off()
    result = shell("status", job_id)
    assert result.exit_code == 0
    for words in (
        f"job        {job_id}", "type       email.send", "status     complete", "entity     customer:42",
        "priority   high", "attempts   0 of at most 10 failed", "batch      june", '{"to":"a@b.c"}',
        '{"to":"a@b.c","n":1}', "submitted", "started", "completed", "50 %  half \\x1b[31mred",
    ):  # fmt: skip
        assert words in result.stdout, words


def test_a_failed_job_shows_its_error_in_full_and_harmless(shell: Shell) -> None:
    job_id = shell.submit("poison")
    shell.work_off()
    result = shell("status", job_id)
    assert "status    failed (MaxAttempts)" in result.stdout.replace("  failed", " failed")
    assert r"ValueError: bad \x1b]0;title\x07 [red]markup[/red]" in result.stdout
    assert "  second line" in result.stdout
    assert "\x1b" not in result.stdout


def test_what_a_queued_job_waits_for(shell: Shell) -> None:
    first, second = shell.submit("endless", "--entity", "e"), shell.submit("endless", "--entity", "e")
    later = shell.submit("endless", "--delay", "7200")
    assert "status     queued\n" in shell("status", first).stdout
    assert "status     queued (parked behind another job of e)" in shell("status", second).stdout
    assert "status     queued (due in 2 h)" in shell("status", later).stdout.replace("120 min", "2 h")


def test_json_is_the_whole_report(shell: Shell) -> None:
    job_id = shell.submit("poison")
    shell.work_off()
    report = shell.json("status", job_id)
    assert [entry["event"] for entry in report["history"]] == ["submitted", "started", "dead_lettered"]
    assert report["attempts"][0]["error"].endswith("second line\n")


def test_watching_follows_a_job_to_its_end(shell: Shell, tmp_path: Path) -> None:
    gate = tmp_path / "open"
    job_id = shell.submit("gate", json.dumps({"path": str(gate)}))
    with Program(shell, "status", job_id, "--watch") as watching, Program(shell, "worker", shell.target) as worker:
        worker.line()
        wait_for(shell, job_id, Status.PROCESSING)
        gate.touch()
        code, out, err = watching.ended()
    assert code == 0
    events = [line.split()[2] for line in err.splitlines()]
    assert events == ["submitted", "started", "completed"]
    assert "status     complete" in out


def test_watching_as_json_is_one_document(shell: Shell) -> None:
    job_id = shell.submit("email.send", '{"to": "a"}')
    shell.work_off()
    result = shell("status", job_id, "--watch", "--json")
    assert json.loads(result.stdout)["status"] == "complete"
    assert "50 %  half \\x1b[31mred" in result.stderr
