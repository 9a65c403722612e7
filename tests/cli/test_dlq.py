import json

import pytest

from jobledger._core.job import Status
from tests.cli.shell import Shell


def dead(shell: Shell, count: int = 1) -> list[str]:
    ids = [shell.submit("poison") for _ in range(count)]
    shell.work_off()
    return ids


def test_it_lists_dead_letters_only(shell: Shell) -> None:
    (letter,) = dead(shell)
    shell.submit("endless")
    head, row = shell("dlq", "list").stdout.splitlines()
    assert head.split() == ["ID", "TYPE", "ENTITY", "FAILED", "REASON", "ENDED", "ERROR"]
    assert row.split()[0] == letter
    assert row.endswith(r"ValueError: bad \x1b]0;title\x07 [red]markup[/red]")
    assert [job["id"] for job in shell.json("dlq", "list", "--type", "poison")["jobs"]] == [letter]


def test_none(shell: Shell) -> None:
    shell("migrate")
    assert shell("dlq", "list").stderr == "no dead letters\n"
    assert shell("dlq", "replay", "--all").stdout == "0 replayed\n"


def test_it_shows_every_error(shell: Shell) -> None:
    job_id = shell.submit("poison", '{"text": "first"}')
    shell.work_off()
    shell("dlq", "replay", job_id)
    shell.work_off()
    result = shell("dlq", "show", job_id)
    assert result.stdout.count("ValueError: first\n") == 2 + 2  # in the table of attempts, and in full
    assert '{"text":"first"}' in result.stdout


@pytest.mark.parametrize(
    ("verb", "done", "status"), [("replay", "replayed", "queued"), ("discard", "discarded", "discarded")]
)
def test_by_id(shell: Shell, verb: str, done: str, status: str) -> None:
    (letter,) = dead(shell)
    assert shell("dlq", verb, letter).stdout == f"{letter}  {done}\n"
    assert shell.status_of(letter) is Status(status)
    result = shell("dlq", verb, letter, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["jobs"][0]["error"]["type"] == "NotDead"


@pytest.mark.parametrize("answer", ["y\n", "YES\n"])
def test_all_after_a_question(shell: Shell, answer: str) -> None:
    letters = dead(shell, 3)
    result = shell("dlq", "replay", "--all", stdin=answer)
    assert result.stderr == "replay 3 dead letters? [y/N]\n"
    assert result.stdout == "3 replayed\n"
    assert {shell.status_of(letter) for letter in letters} == {Status.QUEUED}


@pytest.mark.parametrize("answer", ["\n", "n\n", "no\n", "maybe\n"])
def test_all_but_the_answer_is_no(shell: Shell, answer: str) -> None:
    (letter,) = dead(shell)
    before = shell.dump()
    result = shell("dlq", "discard", "--all", stdin=answer)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "discard 1 dead letter? [y/N]\nnothing was discarded\n"
    assert shell.dump() == before
    assert shell.status_of(letter) is Status.FAILED


def test_all_but_nobody_is_there_to_answer(shell: Shell) -> None:
    dead(shell)
    before = shell.dump()
    result = shell("dlq", "discard", "--all")
    assert result.exit_code == 2
    assert "add --yes; nothing was changed" in result.stderr
    assert shell.dump() == before


def test_all_of_a_type_without_a_question(shell: Shell) -> None:
    (letter,) = dead(shell)
    other = shell.submit("email.send", '{"to": "a"}', "--max-attempts", "1")
    assert shell("dlq", "discard", "--all", "--type", "email.send", "--yes").stdout == "0 discarded\n"
    assert shell.json("dlq", "discard", "--all", "--type", "poison", "--yes") == {
        "discarded": 1,
        "overtaken": 0,
        "errors": [],
    }
    assert shell.status_of(letter) is Status.DISCARDED
    assert shell.status_of(other) is Status.QUEUED


def test_more_than_a_page(shell: Shell) -> None:
    shell.submit("poison")
    shell("submit", "poison", json.dumps([{}] * 1_200))
    shell.work_off()
    assert shell("dlq", "replay", "--all", "--yes").stdout == "1,201 replayed\n"


@pytest.mark.parametrize("words", [(), ("--all", "x"), ("x", "--type", "poison")])
def test_ids_or_all(shell: Shell, words: tuple[str, ...]) -> None:
    dead(shell)
    before = shell.dump()
    result = shell("dlq", "replay", *words)
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ")
    assert shell.dump() == before
