import json
from pathlib import Path

import pytest

from jobledger._core.job import Status
from tests.cli.shell import Program, Shell, lines_of


def test_it_prints_the_id(shell: Shell) -> None:
    job_id = shell.submit("email.send", '{"to": "a@b.c"}')
    assert shell.json("status", job_id)["payload"] == {"to": "a@b.c"}


def test_the_type_is_enough(shell: Shell) -> None:
    assert shell.json("status", shell.submit("poison"))["payload"] == {}


def test_options_reach_the_job(shell: Shell) -> None:
    options = (
        "--entity", "customer:42", "--priority", "low", "--delay", "3600", "--timeout", "5", "--max-attempts", "3",
        "--dedupe", "k", "--dedupe-for", "60", "--batch-id", "june",
    )  # fmt: skip
    report = shell.json("status", shell.submit("email.send", '{"to": "a"}', *options))
    assert report["lane"] == "scheduled"
    chosen = [report[name] for name in ("entity", "priority", "max_attempts", "dedupe", "batch")]
    assert chosen == ["customer:42", "low", 3, "k", "june"]


def test_without_handlers_the_table_of_types_gives_the_defaults(shell: Shell) -> None:
    shell.submit("email.send", '{"to": "a"}')
    (job_id,) = shell("submit", "email.send", '{"to": "b"}').stdout.split()
    assert shell.json("status", job_id)["priority"] == "high"


def test_a_list_is_a_batch(shell: Shell) -> None:
    shell.submit("poison")
    result = shell("submit", "email.send", '[{"to": "a"}, {"to": "b"}]')
    ids = result.stdout.split()
    assert [shell.json("status", job_id)["payload"]["to"] for job_id in ids] == ["a", "b"]


def test_an_empty_batch_says_so(shell: Shell) -> None:
    shell.submit("poison")
    result = shell("submit", "email.send", "[]")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "nothing was submitted" in result.stderr


def test_stdin(shell: Shell) -> None:
    shell.submit("poison")
    (job_id,) = shell("submit", "email.send", "-", stdin='{"to": "é"}').stdout.split()
    assert shell.json("status", job_id)["payload"] == {"to": "é"}


def test_a_held_key_gives_the_holder(shell: Shell) -> None:
    first = shell.submit("email.send", '{"to": "a"}', "--dedupe", "k")
    again = shell("submit", "email.send", '{"to": "a"}', "--dedupe", "k")
    assert again.stdout.strip() == first
    assert "not submitted" in again.stderr
    assert shell.json("submit", "email.send", '{"to": "a"}', "--dedupe", "k") == {"id": first, "created": False}


def test_a_held_key_can_be_an_error(shell: Shell) -> None:
    first = shell.submit("email.send", '{"to": "a"}', "--dedupe", "k")
    result = shell("submit", "email.send", '{"to": "a"}', "--dedupe", "k", "--on-duplicate", "raise", "--json")
    assert result.exit_code == 1
    error = json.loads(result.stdout)["error"]
    assert (error["type"], error["data"]) == ("Duplicate", {"job_id": first, "key": "k"})


def test_lines_are_submitted_in_chunks(shell: Shell) -> None:
    shell.submit("poison")
    lines = "".join(f'{{"to": "{n}"}}\n\n' for n in range(11_000))
    result = shell("submit", "email.send", "--lines", "--batch-id", "june", stdin=lines)
    assert result.stdout == "11,000 jobs submitted\n"
    page = shell.json("list", "--batch", "june", "--oldest-first", "--limit", "2")
    assert [shell.json("status", job["id"])["payload"]["to"] for job in page["jobs"]] == ["0", "1"]


@pytest.mark.parametrize("bad", ['{"to": 3}', "{", "[]", "5", "\ud83d"])
def test_a_bad_line_is_named_and_what_came_before_its_chunk_stays(shell: Shell, bad: str) -> None:
    shell.submit("poison")
    lines = '{"to": "a"}\n' * 5_003 + bad + "\n"
    words = ("submit", "email.send", "--lines", "--app", shell.target)
    result = shell(*words, stdin=lines.encode("utf-8", "surrogatepass"))
    assert result.exit_code == 2
    assert result.stderr.startswith("error: line 5004: ")
    assert result.stderr.endswith("(lines 1 to 5,000 were submitted, the rest was not)\n")
    assert shell.json("types")["types"][0]["queued"] == 5_000


def test_lines_as_json(shell: Shell) -> None:
    shell.submit("email.send", '{"to": "a"}', "--dedupe", "k")
    result = shell("submit", "email.send", "--lines", "--dedupe", "k", "--json", stdin='{"to": "a"}')
    assert json.loads(result.stdout) == {"submitted": 0, "deduplicated": 1, "batch": None}


@pytest.mark.parametrize("words", [("{}", "--lines"), ("--lines", "--wait", "5")])
def test_lines_have_their_own_rules(shell: Shell, words: tuple[str, ...]) -> None:
    shell.submit("poison")
    result = shell("submit", "email.send", *words)
    assert result.exit_code == 2
    assert result.stderr.startswith("error: --lines ")


def test_waiting_gives_the_result(shell: Shell) -> None:
    with Program(shell, "worker", shell.target) as worker:
        worker.line()
        result = shell("submit", "email.send", '{"to": "a", "n": 7}', "--wait", "30")
        assert result.exit_code == 0
        assert list(lines_of(result.stdout))[1] == 'complete: {"to":"a","n":7}'
        told = shell.json("submit", "email.send", '[{"to": "a"}, {"to": "b"}]', "--wait", "30")
        assert [(job["status"], job["result"]["to"]) for job in told["jobs"]] == [("complete", "a"), ("complete", "b")]


def test_waiting_for_one_that_fails(shell: Shell) -> None:
    with Program(shell, "worker", shell.target) as worker:
        worker.line()
        result = shell("submit", "poison", "--wait", "30")
        assert result.exit_code == 1
        assert "ended failed (MaxAttempts)" in result.stderr
        assert "\x1b" not in result.output
        batch = shell("submit", "email.send", '[{"to": "a"}, {"no": "b"}]', "--wait", "30")
        assert batch.exit_code == 1
        assert "1 complete, 1 ended otherwise" in batch.stderr


def test_waiting_runs_out(shell: Shell) -> None:
    shell.submit("poison")
    result = shell("submit", "poison", "--wait", "0.01", "--json")
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert told["error"]["type"] == "NotEnded"
    assert shell.status_of(told["id"]) is Status.QUEUED


def test_a_new_store_needs_the_handlers(shell: Shell, store_path: Path) -> None:
    result = shell("submit", "email.send", "{}")
    assert result.exit_code == 1
    assert "there is no store at" in result.stderr
    assert not store_path.exists()
