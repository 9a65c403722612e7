"""The help, as a new user reads it."""

import re

import pytest
from typer.testing import CliRunner

from jobledger.cli.commands import cli
from tests.cli.shell import Shell
from tests.cli.terminal import Terminal

COMMANDS = (
    "worker", "submit", "status", "list", "cancel", "dlq list", "dlq show", "dlq replay", "dlq discard", "metrics",
    "top", "audit", "doctor", "serve", "types", "migrate",
)  # fmt: skip
EVERY = (*COMMANDS, "export alerts", "export grafana", "export", "demo", "dlq", "")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def page(command: str) -> str:
    result = CliRunner().invoke(cli, [*command.split(), "--help"], prog_name="jobledger", env={"COLUMNS": "80"})
    assert result.exit_code == 0
    return result.stdout


def coloured(shell: Shell, command: str, env: dict[str, str] | None = None) -> str:
    with Terminal(shell, *command.split(), "--help", env=env) as terminal:
        assert terminal.ended() == 0
        return terminal.raw


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_an_example_and_the_shared_options(command: str) -> None:
    usage, _, examples = page(command).partition("Example")
    assert usage.startswith(f"Usage: jobledger {command} ")
    assert all(option in usage for option in ("--app MODULE:ATTR", "--url URL", "--json", "-h, --help"))
    assert f"  jobledger {command}" in examples


@pytest.mark.parametrize("command", EVERY)
def test_plain_help_fits_80_columns(command: str) -> None:
    """And has no type of Python in it, and no word cut off."""
    text = page(command)
    assert max(map(len, text.splitlines())) <= 80
    assert not re.search(r"<(str|int|float|bool|list)", text)
    assert "..." not in text.replace("[ARGS]...", "").replace("{ID}...", "").replace("[ID]...", "")
    assert "\x1b" not in text


@pytest.mark.parametrize("command", EVERY)
def test_options_are_explained_in_few_words(command: str) -> None:
    """In zsh and fish each stands on one line beside its option."""
    paragraphs = re.split(r"\n(?=  \S)", page(command).partition("Options:")[2].partition("\n\n")[0])
    assert max(len(" ".join(text.split())) for text in paragraphs) <= 130


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]])
def test_all_commands_in_one_view(words: list[str]) -> None:
    result = CliRunner().invoke(cli, words, prog_name="jobledger")
    told = re.findall(r"^  ([a-z]+)  ", result.output.partition("Commands:")[2], re.MULTILINE)
    assert told == [
        "worker", "submit", "status", "list", "cancel", "dlq", "metrics", "top", "audit", "doctor", "serve", "export",
        "types", "migrate", "demo",
    ]  # fmt: skip
    assert "export JOBLEDGER_URL=sqlite:///jobs.db" in result.output


@pytest.mark.parametrize("command", ["", "list", "metrics", "dlq replay"])
def test_help_is_coloured_on_a_terminal(shell: Shell, command: str) -> None:
    raw = coloured(shell, command)
    lines = [COLOUR.sub("", line).rstrip() for line in raw.splitlines()]
    assert COLOUR.search(raw)
    assert max(map(len, lines)) <= 80
    assert not re.search(r"<(str|int|float|bool|list)", "\n".join(lines))
    for paragraph in "\n".join(lines).partition("╭")[0].split("\n\n"):
        assert all(len(line) > 60 for line in paragraph.strip().split("\n")[:-1]), "a line ends as in the source"
    assert any(line.startswith("   jobledger ") for line in lines), "examples stand further in than their title"


@pytest.mark.parametrize("extra", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_help_is_plain_for_those_who_want_no_colours(shell: Shell, extra: dict[str, str]) -> None:
    raw = coloured(shell, "list", extra)
    assert raw.split() == page("list").split()
    assert "\x1b" not in raw


@pytest.mark.parametrize(
    "words", [["lst"], ["submit"], ["list", "--limt", "3"], ["list", "--limit", "x"], ["dlq", "x"]]
)
def test_a_slip_says_how_to_go_on(words: list[str]) -> None:
    result = CliRunner().invoke(cli, words, prog_name="jobledger")
    assert result.exit_code == 2
    assert "--help" in result.stderr or "-h" in result.stderr
    assert "Error: " in result.stderr
