"""Each wrong input gives one clear line, the right exit code, no traceback, and changes nothing."""

import json
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest
from typer.testing import Result

from jobledger._store.sqlite import connection as files
from tests.cli.shell import Shell

EMAIL = '{"to": "a"}'
SUBMITS = {
    "an unknown type": (["email.sent", "{}"], "unknown job type 'email.sent'. Did you mean 'email.send'?"),
    "an unknown priority": (["email.send", EMAIL, "--priority", "urgent"], "use one of critical, high, normal, low"),
    "a payload that is no object": (["email.send", '"text"'], "a payload is a JSON object"),
    "a null payload": (["email.send", "null"], "a payload is a JSON object"),
    "no JSON": (["email.send", "{to: a}"], "not JSON"),
    "the wrong type for the handler": (["email.send", '{"to": 5}'], "Expected `str`, got `int` - at `$.to`"),
    "a parameter too many": (["email.send", '{"to": "a", "cc": "b"}'], "unknown field `cc`"),
    "a parameter too few": (["email.send", "{}"], "missing required field `to`"),
    "half a surrogate pair": (["email.send", "-"], "not JSON"),
    "a type with a NUL": (["a\0b", "{}"], r"unknown job type 'a\x00b'"),
    "a control character in the entity": (["email.send", EMAIL, "--entity", "a\x1b[2Jb"], r"'a\x1b[2Jb' has a control"),
    "a NUL in the dedupe key": (["email.send", EMAIL, "--dedupe", "a\0b"], r"'a\x00b' has a control character"),
    "a line break in the batch id": (["email.send", EMAIL, "--batch-id", "a\nb"], r"'a\nb' has a control character"),
    "an empty entity": (["email.send", EMAIL, "--entity", ""], "entity must have 1 to 255 characters"),
    "a negative delay": (["email.send", EMAIL, "--delay", "-1"], "delay must be at least 0"),
    "a delay that is no number": (["email.send", EMAIL, "--delay", "nan"], "delay must be a number"),
    "no attempts": (["email.send", EMAIL, "--max-attempts", "0"], "max_attempts must be a whole number from 1"),
    "no time": (["email.send", EMAIL, "--timeout", "0"], "timeout must be more than 0"),
    "a window without a key": (["email.send", EMAIL, "--dedupe-for", "5"], "dedupe_for needs dedupe"),
    "an unknown rule for duplicates": (["email.send", EMAIL, "--on-duplicate", "replace"], "on_duplicate"),
    "a batch with one bad item": (["email.send", f'[{EMAIL}, {{"to": 5}}]'], "item 1 of the batch"),
    "a batch of no objects": (["email.send", "[1, 2]"], "item 0 of the batch"),
}


def refused(result: Result, message: str, code: int) -> None:
    """One line on stderr, nothing on stdout."""
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert message in result.stderr
    assert result.stderr[:-1].isprintable()


@pytest.mark.parametrize("name", SUBMITS)
def test_a_submit_that_is_refused(shell: Shell, name: str) -> None:
    shell.submit("email.send", EMAIL)
    words, message = SUBMITS[name]
    before = shell.dump()
    stdin = b'{"to": "\xed\xa0\x80"}'
    refused(shell("submit", *words, "--app", shell.target, stdin=stdin), message, 2)
    assert shell.dump() == before


def test_the_largest_payload(shell: Shell) -> None:
    shell.submit("email.send", EMAIL)
    before = shell.dump()
    fits, too_large = (json.dumps({"to": "x" * (size - len('{"to":""}'))}) for size in (262_144, 262_145))
    assert shell("submit", "email.send", "-", stdin=fits).exit_code == 0
    after = shell.dump()
    refused(shell("submit", "email.send", "-", stdin=too_large), "262,145 bytes, more than 262,144", 2)
    assert shell.dump() == after != before


def test_a_batch_that_is_too_long(shell: Shell) -> None:
    shell.submit("email.send", EMAIL)
    before = shell.dump()
    many = json.dumps([{"to": "a"}] * 10_001)
    refused(shell("submit", "email.send", "-", stdin=many), "at most 10,000 items, not 10,001: send it in chunks", 2)
    assert shell.dump() == before


@pytest.mark.parametrize("verb", [("status",), ("cancel",), ("dlq", "show"), ("dlq", "replay"), ("dlq", "discard")])
@pytest.mark.parametrize("job_id", ["nope", "a\x1b[31m\nb", "", "' OR 1=1 --", "01936f0c-93a3-7cc6-8d24-5a1e8c6f0b11"])
def test_an_unknown_job(shell: Shell, verb: tuple[str, ...], job_id: str) -> None:
    shell.submit("email.send", EMAIL)
    before = shell.dump()
    refused(shell(*verb, job_id), "no job ", 1)
    assert shell.dump() == before


@pytest.mark.parametrize("verb", ["show", "replay", "discard"])
def test_a_job_that_is_not_dead(shell: Shell, verb: str) -> None:
    job_id = shell.submit("email.send", EMAIL)
    before = shell.dump()
    refused(shell("dlq", verb, job_id), f"job {job_id} is queued, not dead", 1)
    assert shell.dump() == before


def test_cancelling_what_has_ended_is_an_answer(shell: Shell) -> None:
    job_id = shell.submit("email.send", EMAIL)
    shell.work_off()
    before = shell.dump()
    result = shell("cancel", job_id)
    assert (result.exit_code, result.stdout) == (0, f"{job_id}  already ended: complete\n")
    assert shell.dump() == before


LISTS = {
    "an unknown status": (
        ["--status", "done"],
        "use one of queued, processing, complete, failed, cancelled, discarded",
    ),
    "a good status and an unknown one": (["--status", "queued", "--status", "done"], "unknown status 'done'"),
    "an unknown lane": (["--lane", "waiting"], "unknown lane 'waiting': use one of ready, arrived, parked, scheduled"),
    "a lane of another status": (["--status", "failed", "--lane", "ready"], "no job is failed and in the lane ready"),
    "an unknown reason": (["--reason", "late"], "unknown reason 'late': use one of NotFound"),
    "an unknown type": (["--type", "email.sent"], "Did you mean 'email.send'?"),
    "a time that is none": (["--submitted-since", "soon"], "--submitted-since must be a length of time such as 90s"),
    "a negative time": (["--ended-since", "-2h"], "--ended-since must be a length of time such as 90s"),
    "a length without a unit": (["--ended-until", "90"], "--ended-until must be a length of time such as 90s"),
    "an empty time": (["--submitted-until", ""], "--submitted-until must be a length of time"),
    "times that end before they begin": (
        ["--submitted-since", "1h", "--submitted-until", "2h"],
        "submitted_since must be before submitted_until",
    ),
    "the end of what has none": (["--status", "queued", "--ended-since", "1h"], "that is queued has not ended"),
    "an empty entity": (["--entity", ""], "entity must have 1 to 255 characters"),
    "a count of an entity": (["--count", "--entity", "e"], "--count reads the books, which know types, statuses and"),
    "a count of a time": (["--count", "--ended-since", "1h"], "leave --ended-since out"),
    "a count of an unknown type": (["--count", "--type", "email.sent"], "Did you mean 'email.send'?"),
    "no limit": (["--limit", "0"], "limit must be a whole number from 1 to 1,000"),
    "too high a limit": (["--limit", "1001"], "limit must be a whole number from 1 to 1,000"),
    "a cursor of another kind": (["--after", "x"], "after must be"),
}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_that_is_refused(shell: Shell, name: str) -> None:
    shell.submit("email.send", EMAIL)
    words, message = LISTS[name]
    refused(shell("list", *words), message, 2)


def not_a_database(path: Path) -> None:
    path.write_bytes(b"Dear diary, " * 100)


def of_another_program(path: Path) -> None:
    with apsw.Connection(str(path)) as connection:
        connection.execute("CREATE TABLE notes (text)")
    connection.close()


def of_the_future(path: Path) -> None:
    connection = apsw.Connection(str(path))
    connection.pragma("application_id", files.APPLICATION_ID)
    connection.pragma("user_version", 999)
    connection.close()


def a_folder(path: Path) -> None:
    path.mkdir()


COMMANDS = (
    ("list",), ("status", "x"), ("dlq", "list"), ("metrics",), ("audit",), ("types",), ("cancel", "x"),
    ("dlq", "replay", "x"), ("submit", "email.send"), ("migrate",),
)  # fmt: skip


@pytest.mark.unaudited("there is no store")
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (not_a_database, "is not a jobledger store"),
        (of_another_program, "is an SQLite database of another program"),
        (of_the_future, "has schema 999, this jobledger knows up to "),
        (a_folder, "is a directory: name a file in it"),
    ],
)
def test_a_file_that_is_no_store(
    shell: Shell, store_path: Path, words: tuple[str, ...], spoil: Callable[[Path], None], message: str
) -> None:
    spoil(store_path)
    before = contents(shell.folder)
    refused(shell(*words), message, 1)
    assert contents(shell.folder) == before


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_path_without_a_store(shell: Shell, words: tuple[str, ...]) -> None:
    if words != ("migrate",):
        before = contents(shell.folder)
        refused(shell(*words), "there is no store at", 1)
        assert contents(shell.folder) == before


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_path_without_a_folder(shell: Shell, words: tuple[str, ...]) -> None:
    shell.url = f"sqlite:///{shell.folder}/missing/jobs.db"
    before = contents(shell.folder)
    refused(shell(*words), str(shell.folder / "missing"), 1)
    assert contents(shell.folder) == before


class Unwritable(apsw.Connection):
    """What a read-only file gives; permissions don't bind root."""

    def readonly(self, name: str) -> bool:  # noqa: ARG002 - as in apsw
        return True


@pytest.mark.parametrize(
    "words", [("submit", "email.send", EMAIL), ("cancel", "x"), ("dlq", "discard", "x")], ids=" ".join
)
def test_a_store_that_cannot_be_written(shell: Shell, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    shell.submit("email.send", EMAIL)
    before = shell.dump()
    monkeypatch.setattr("jobledger._store.sqlite.connection.apsw.Connection", Unwritable)
    refused(shell(*words), "can't be written: check its permissions", 1)
    monkeypatch.undo()
    assert shell.dump() == before


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("jobs.db", "names no store: use sqlite:///file.db"),
        ("sqlite://jobs.db", "names no store"),
        ("mysql://u:secret@host/db", "names no store"),
        ("sqlite:///jobs.db?mode=ro", "takes ?durability="),
    ],
)
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_url_that_names_no_store(shell: Shell, words: tuple[str, ...], url: str, message: str) -> None:
    shell.url = url
    before = contents(shell.folder)
    result = shell(*words)
    refused(result, message, 2)
    assert "secret" not in result.output
    assert contents(shell.folder) == before


def contents(folder: Path) -> dict[str, bytes]:
    """All files below a folder, without what Python caches."""
    files = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {str(path): path.read_bytes() for path in files}
