"""The runbooks: one for each alert, with commands that exist and queries that are PromQL."""

from __future__ import annotations

import asyncio
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from typer.core import TyperGroup
from typer.main import get_command
from typer.testing import CliRunner

from jobledger import App
from jobledger._core.alerts import ALERTS
from jobledger._core.catalog import CATALOG
from jobledger.cli.commands import cli

PAGES = Path(__file__).parents[2] / "docs" / "runbooks"
NAMES = [alert.runbook for alert in ALERTS]
SECTIONS = ["What users feel", "First three commands", "Likely causes, and what to do", "When to silence"]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OTHER_WORDS = re.compile(r"\b(tasks?|messages?|runners?|consumers?|executors?)\b", re.IGNORECASE)


def text_of(name: str) -> str:
    return (PAGES / name).read_text(encoding="utf-8")


def first(name: str) -> tuple[list[str], list[str]]:
    """The first commands of a page: those of the shell, and the queries."""
    section = text_of(name).partition("## First three commands\n")[2].partition("\n## ")[0]
    blocks = FENCE.findall(section)
    commands = [line for language, code in blocks if language == "sh" for line in code.splitlines()]
    return commands, [code for language, code in blocks if language == "promql"]


def queries() -> list[str]:
    return [query for name in NAMES for query in first(name)[1]]


def test_there_is_a_page_for_each_alert_and_no_other() -> None:
    assert {page.name for page in PAGES.iterdir()} == {"README.md", *NAMES}
    assert set(re.findall(r"\]\(([\w-]+\.md)\)", text_of("README.md"))) == set(NAMES)


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_a_page_has_all_its_parts(alert: object) -> None:
    name, severity = getattr(alert, "name", ""), getattr(alert, "severity", "")
    text = text_of(getattr(alert, "runbook", ""))
    title, _, rest = text.partition("\n\n")
    assert title == f"# {name}"
    assert rest.startswith(f"A **{severity}**. ")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == SECTIONS
    assert "\n1. " in text.partition("## Likely causes")[2]


@pytest.mark.parametrize("name", NAMES)
def test_there_are_three_first_commands(name: str) -> None:
    commands, asked = first(name)
    assert len(commands) + len(asked) == 3
    assert commands
    assert asked


@pytest.mark.parametrize("name", ["README.md", *NAMES])
def test_a_page_speaks_of_what_exists(name: str) -> None:
    text = text_of(name)
    for link in re.findall(r"\]\(([^)]+)\)", text):
        assert (PAGES / link).is_file(), link
    known = " ".join(alert.name for alert in ALERTS)
    for alert in re.findall(r"Jobledger\w+", text):
        assert alert in known, alert
    for option in re.findall(r"`(--[a-z-]+)", text):
        assert option in OPTIONS, option
    assert OTHER_WORDS.findall(text) == []


@pytest.mark.parametrize("name", ["README.md", *NAMES])
def test_a_page_names_series_of_the_catalog(name: str) -> None:
    series = {one.series for one in CATALOG}
    named = set(re.findall(r"\bjobs_[a-z_]+\b", text_of(name)))
    assert {re.sub(r"_(bucket|count|sum)$", "", one) for one in named} <= series


def _commands(group: TyperGroup, before: tuple[str, ...] = ()) -> dict[tuple[str, ...], set[str]]:
    """Every command and its options."""
    found: dict[tuple[str, ...], set[str]] = {}
    for name, command in group.commands.items():
        path = (*before, name)
        if isinstance(command, TyperGroup):
            found |= _commands(command, path)
        found[path] = {option for param in command.params for option in param.opts}
    return found


ROOT = get_command(cli)
assert isinstance(ROOT, TyperGroup)
COMMANDS = _commands(ROOT)
OPTIONS = set[str]().union(*COMMANDS.values())


@pytest.mark.parametrize("name", ["README.md", *NAMES])
def test_a_command_that_is_named_has_these_options(name: str) -> None:
    for named in re.findall(r"`jobledger ([^`]+)`", text_of(name)):
        words = shlex.split(" ".join(named.split()).partition(" | ")[0])
        path = tuple(words[:2]) if tuple(words[:2]) in COMMANDS else tuple(words[:1])
        assert path in COMMANDS, named
        assert {word for word in words if word.startswith("--")} <= COMMANDS[path], named


def test_the_first_commands_are_taken(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def make() -> None:
        async with App(url) as app:
            await app.declare("email.send")

    asyncio.run(make())
    monkeypatch.setenv("JOBLEDGER_URL", url)
    for command in sorted({command for name in NAMES for command in first(name)[0]}):
        words = shlex.split(command.partition(" | ")[0].replace("TYPE", "email.send"))
        assert words[0] == "jobledger"
        result = CliRunner().invoke(cli, words[1:], prog_name="jobledger")
        assert result.exit_code in {0, 1}, f"{command}: {result.output}"
        assert result.exception is None or isinstance(result.exception, SystemExit), command


@pytest.mark.debian("prometheus", "promtool")
def test_the_queries_are_promql(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yml"
    records = "".join(
        f"  - record: query:{number}\n    expr: {' '.join(query.split())!r}\n" for number, query in enumerate(queries())
    )
    rules.write_text(f"groups:\n- name: queries\n  rules:\n{records}")
    checked = subprocess.run(["promtool", "check", "rules", str(rules)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"SUCCESS: {len(queries())} rules found" in checked.stdout
