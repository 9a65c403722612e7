"""What the shells are offered: asked as each of them asks, and once by a real bash."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import apsw
import pytest
from typer.testing import CliRunner

from jobledger._core.job import Status
from jobledger.cli.commands import cli
from jobledger.cli.completing import joined, prepare
from tests.cli.shell import SOURCE, Shell
from tests.cli.test_bad_input import contents, not_a_database, of_another_program, of_the_future

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TYPES = ["email.send", "endless", "gate", "poison", "stuck"]


@pytest.fixture(autouse=True)
def types(shell: Shell) -> None:
    shell.submit("email.send", '{"to": "a"}')


def run(**asked: str | None) -> str:
    """What ``jobledger`` prints when a shell asks; it is never an error, and says nothing else."""
    environment = {"COLUMNS": "40"} | {name: value for name, value in asked.items() if value is not None}
    prepare(environment)
    done = CliRunner().invoke(cli, [], env={"JOBLEDGER_URL": None, **environment}, prog_name="jobledger")
    assert (done.exit_code, done.stderr) == (0, "")
    return done.stdout


def bash(*words: str, **extra: str) -> list[str]:
    """As bash asks after a tab behind these words; it has cut them at colons and equals signs."""
    line = ["jobledger", *words]
    asked = {"COMP_WORDS": "\n".join(line), "COMP_CWORD": str(len(line) - 1), "_JOBLEDGER_COMPLETE": "complete_bash"}
    return run(**asked, **extra).split()


def zsh(line: str) -> str:
    return run(_TYPER_COMPLETE_ARGS=f"jobledger {line}", _JOBLEDGER_COMPLETE="complete_zsh")


def fish(line: str) -> list[str]:
    asked = {"_TYPER_COMPLETE_FISH_ACTION": "get-args", "_JOBLEDGER_COMPLETE": "complete_fish"}
    return run(_TYPER_COMPLETE_ARGS=f"jobledger {line}", **asked).splitlines()


def url_words(shell: Shell) -> list[str]:
    """The URL as bash cuts it."""
    return shell.url.replace(":", "\n:\n").replace("=", "\n=\n").split("\n")


def test_commands_and_options() -> None:
    assert {"worker", "submit", "list", "doctor", "dlq"} <= set(bash(""))
    assert bash("dlq", "re") == ["replay"]
    assert bash("list", "--sub") == ["--submitted-since", "--submitted-until"]


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("list", "--status", ""), [*Status]),
        (("list", "--status", "c"), ["complete", "cancelled"]),
        (("list", "--status", "failed", "--status", "que"), ["queued"]),
        (("list", "--status", "=", "fa"), ["failed"]),
        (("list", "--lane", ""), ["ready", "parked", "scheduled"]),
        (("list", "--reason", "T"), ["Timeout"]),
        (("submit", "x", "--priority", ""), ["critical", "high", "normal", "low"]),
        (("submit", "x", "--on-duplicate", ""), ["return", "raise"]),
    ],
)
def test_values_that_are_always_the_same(words: tuple[str, ...], offered: list[str]) -> None:
    assert bash(*words) == offered


@pytest.mark.parametrize(
    "command", [("list", "--type"), ("submit",), ("dlq", "list", "--type"), ("dlq", "replay", "--type")], ids=" ".join
)
def test_types_that_the_store_knows(shell: Shell, command: tuple[str, ...]) -> None:
    assert bash(*command, "", JOBLEDGER_URL=shell.url) == TYPES
    assert bash(*command, "e", JOBLEDGER_URL=shell.url) == ["email.send", "endless"]
    assert bash(*command, "") == []


def test_types_of_a_url_that_bash_has_cut(shell: Shell) -> None:
    assert bash("list", "--url", *url_words(shell), "--type", "p") == ["poison"]
    assert bash("list", "--url", "=", *url_words(shell), "--type", "=", "p") == ["poison"]
    assert bash("submit", "--url", *url_words(shell), "") == TYPES


def test_zsh_and_fish_ask_in_their_own_way(shell: Shell) -> None:
    assert zsh(f"list --url {shell.url} --type e") == '_arguments \'*: :(("email.send"\n"endless"))\'\n'
    assert '"list":"List jobs, the newest first.' in zsh("")
    assert fish(f"list --url {shell.url} --type e") == ["email.send", "endless"]
    options = fish("list --")
    assert "--after\tThe cursor that the page before ended with." in options
    assert all(line.startswith("--") for line in options), "a help text is on more lines than one"
    assert all(line.startswith("--") for line in fish("--"))


@pytest.mark.parametrize("name", ["$(touch x)", "`x`", "a b", "a;b", 'a"b', "a\\", "*", "naïve"])
def test_names_that_a_shell_would_not_take_as_a_word_are_not_offered(shell: Shell, store_path: Path, name: str) -> None:
    with apsw.Connection(str(store_path)) as connection:
        connection.execute("UPDATE type SET name = ? WHERE name = 'poison'", (name,))
    connection.close()
    offered = [one for one in TYPES if one != "poison"]
    assert bash("list", "--type", "", JOBLEDGER_URL=shell.url) == offered
    assert f'"{name}"' not in zsh(f"list --url {shell.url} --type ")
    with apsw.Connection(str(store_path)) as connection:
        connection.execute("UPDATE type SET name = 'poison' WHERE name = ?", (name,))
    connection.close()


def test_a_name_with_a_colon(shell: Shell, store_path: Path) -> None:
    """Bash replaces what follows the colon only: what it would make of it is not offered."""
    with apsw.Connection(str(store_path)) as connection:
        connection.execute("UPDATE type SET name = 'mail:send' WHERE name = 'poison'")
    connection.close()
    assert "mail:send" in bash("list", "--type", "ma", JOBLEDGER_URL=shell.url)
    assert bash("list", "--type", "mail", ":", JOBLEDGER_URL=shell.url) == []
    assert fish(f"list --url {shell.url} --type mail:") == ["mail:send"]
    with apsw.Connection(str(store_path)) as connection:
        connection.execute("UPDATE type SET name = 'poison' WHERE name = 'mail:send'")
    connection.close()


def missing(path: Path) -> None:
    path.unlink()


def empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.unaudited("there is no store")
@pytest.mark.parametrize("spoil", [missing, empty, not_a_database, of_another_program, of_the_future])
def test_nothing_is_said_or_changed_whatever_is_there(
    shell: Shell, store_path: Path, spoil: Callable[[Path], None]
) -> None:
    for file in shell.folder.glob("jobs.db*"):
        file.unlink()
    if spoil is not missing:
        spoil(store_path)
    before = contents(shell.folder)
    assert bash("list", "--type", "", JOBLEDGER_URL=shell.url) == []
    assert contents(shell.folder) == before


@pytest.mark.parametrize("address", ["mysql://h/d", "sqlite:///", "sqlite:////no/such/file.db", "nonsense"])
def test_a_url_that_leads_nowhere(address: str) -> None:
    assert bash("list", "--type", "", JOBLEDGER_URL=address) == []


def test_an_app_is_not_imported(shell: Shell) -> None:
    (shell.folder / "loud.py").write_text("raise SystemExit('imported')", encoding="utf-8")
    before = contents(shell.folder)
    assert bash("list", "--app", "loud:app", "--type", "") == []
    assert contents(shell.folder) == before


def test_a_good_store_is_not_changed(shell: Shell) -> None:
    before = contents(shell.folder)
    assert bash("list", "--type", "", JOBLEDGER_URL=shell.url) == TYPES
    assert contents(shell.folder) == before


BASH = """
set -e
jobledger() {{ {python} -m jobledger "$@"; }}
script=$({python} -m jobledger --show-completion bash)
eval "$script"
COMP_WORDS=({words})
COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 ))
_jobledger_completion {wrapper}
printf '%s\\n' "${{COMPREPLY[@]}}"
complete -p jobledger
"""


def test_a_real_bash_with_the_script_sourced(shell: Shell, tmp_path: Path) -> None:
    executable = shutil.which("bash")
    assert executable is not None
    wrapper = tmp_path / "jobledger"
    wrapper.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m jobledger "$@"\n', encoding="utf-8")
    wrapper.chmod(0o755)
    words = " ".join(f"'{word}'" for word in ["jobledger", "list", "--url", *url_words(shell), "--type", "e"])
    program = BASH.format(python=sys.executable, words=words, wrapper=wrapper)
    env = os.environ | {"PYTHONPATH": str(SOURCE), "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    done = subprocess.run([executable, "-c", program], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "email.send", "endless", "complete -o default -F _jobledger_completion jobledger",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "at", "mended", "place"),
    [
        (["a", "b", ""], 2, ["a", "b", ""], 2),
        (["a", "--url", "sqlite", ":", "///x"], 4, ["a", "--url", "sqlite:///x"], 2),
        (["a", "--url", "=", "sqlite", ":", "///x", "b"], 6, ["a", "--url=sqlite:///x", "b"], 2),
        (["a", "x", ":"], 2, ["a", "x:"], 1),
        (["a", "x", ":", ""], 3, ["a", "x:", ""], 2),
        (["a", "--u", "b"], 1, ["a", "--u", "b"], 1),
    ],
)
def test_words_are_put_together_again(words: list[str], at: int, mended: list[str], place: int) -> None:
    assert joined(words, at) == (mended, place)
