"""The help, as a new user reads it."""

import pytest
from typer.testing import CliRunner

from jobledger.cli.commands import cli

COMMANDS = (
    "worker", "submit", "status", "list", "cancel", "dlq list", "dlq show", "dlq replay", "dlq discard", "metrics",
    "audit", "serve", "types", "migrate",
)  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_an_example_and_the_shared_options(command: str) -> None:
    result = CliRunner().invoke(cli, [*command.split(), "--help"], prog_name="jobledger")
    assert result.exit_code == 0
    usage, _, examples = result.stdout.partition("Example")
    assert usage.startswith(f"Usage: jobledger {command} ")
    assert all(option in usage for option in ("--app MODULE:ATTR", "--url URL", "--json", "-h, --help"))
    assert f"  jobledger {command}" in examples
    assert "<str>" not in usage.partition("Options:")[2]


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]])
def test_all_commands_in_one_view(words: list[str]) -> None:
    result = CliRunner().invoke(cli, words, prog_name="jobledger")
    for command in COMMANDS:
        assert f"  {command.split()[0]} " in result.output
    assert "export JOBLEDGER_URL=sqlite:///jobs.db" in result.output


@pytest.mark.parametrize(
    "words", [["lst"], ["submit"], ["list", "--limt", "3"], ["list", "--limit", "x"], ["dlq", "x"]]
)
def test_a_slip_says_how_to_go_on(words: list[str]) -> None:
    result = CliRunner().invoke(cli, words, prog_name="jobledger")
    assert result.exit_code == 2
    assert "--help" in result.stderr or "-h" in result.stderr
    assert "Error: " in result.stderr
