"""Which store, and whose handlers."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from jobledger.cli.commands import cli
from jobledger.cli.source import public
from tests.cli.shell import Shell


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, [*words])


def test_no_store_is_named(shell: Shell) -> None:
    result = run("list")
    assert result.exit_code == 2
    assert result.stderr.startswith("error: which store? Give --url sqlite:///jobs.db or --app MODULE:ATTR")


def test_the_environment_names_the_store(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = shell.submit("poison")
    monkeypatch.setenv("JOBLEDGER_URL", shell.url)
    assert job_id in run("list").stdout
    assert job_id in run("list", "--app", shell.target).stdout


def test_the_option_comes_first(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = shell.submit("poison")
    monkeypatch.setenv("JOBLEDGER_URL", "sqlite:///other.db")
    assert job_id in shell("list").stdout


def test_an_app_without_a_store(shell: Shell) -> None:
    for words in (("list",), ("submit", "poison")):
        result = run(*words, "--app", shell.target)
        assert result.exit_code == 2
        assert "store" in result.stderr


MODULES = {
    "empty.py": "",
    "broken.py": "import nowhere_to_be_found\n",
    "crooked.py": "x = \n",
    "raising.py": "\n\nraise RuntimeError('no \\x1b[31mluck')\n",
    "others.py": "from jobledger import App\njobs = App()\nclass Box:\n    app = jobs\n\n\ndef build(): return jobs\n",
}


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("jobs", "'jobs' is not MODULE:ATTR: name the module and the App in it, e.g. jobs:app"),
        (":app", "is not MODULE:ATTR"),
        ("jobs:", "is not MODULE:ATTR"),
        ("nowhere:app", "there is no module 'nowhere' in {here}"),
        ("empty.py:app", "write empty for that file"),
        ("empty:app", "module 'empty' has no 'app': it has no App: write app = App("),
        ("others:app", "module 'others' has no 'app': its Apps are jobs"),
        ("others:build", "'build', but that is 'function' and not an App: its Apps are jobs"),
        ("others:Box.none", "no 'Box.none'"),
        (
            "broken:app",
            "importing 'broken' failed at {here}/broken.py:1: ModuleNotFoundError: No module named 'nowhere",
        ),
        ("crooked:app", "importing 'crooked' failed: SyntaxError: invalid syntax (crooked.py, line 1)"),
        ("raising:app", r"importing 'raising' failed at {here}/raising.py:3: RuntimeError: no \x1b[31mluck"),
    ],
)
def test_an_app_that_cannot_be_had(shell: Shell, target: str, message: str) -> None:
    for name, text in MODULES.items():
        (shell.folder / name).write_text(text, encoding="utf-8")
    result = run("submit", "poison", "--app", target)
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ")
    assert message.format(here=shell.folder) in result.stderr
    assert result.stderr.count("\n") == 1


def test_an_app_inside_of_something(shell: Shell) -> None:
    (shell.folder / "inside.py").write_text(
        "from jobledger import App\nclass Box:\n    app = App()\n", encoding="utf-8"
    )
    assert run("worker", "inside:Box.app", "--url", shell.url).stderr.startswith("error: this App has no handlers")


def test_errors_as_json(shell: Shell) -> None:
    result = run("list", "--json")
    assert result.exit_code == 2
    error = json.loads(result.stdout)["error"]
    assert (error["type"], error["data"]) == ("InvalidOption", {})
    assert result.stderr == ""
    shell.submit("email.send", '{"to": "a"}')
    unknown = json.loads(shell("submit", "email.sent", "--json").stdout)["error"]
    assert (unknown["type"], unknown["data"]) == ("UnknownType", {"name": "email.sent", "near": ["email.send"]})


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:////var/lib/jobs.db?durability=off", "sqlite:////var/lib/jobs.db?durability=off"),
        ("postgresql://me:secret@host:5432/jobs", "postgresql://me:***@host:5432/jobs"),
        ("postgresql://me:p@ss@host/jobs", "postgresql://me:***@host/jobs"),
        ("postgresql://me@host/jobs", "postgresql://me@host/jobs"),
        ("postgresql://me:s/ecret@host/jobs", "postgresql://***@host/jobs"),
        ("postgresql:///jobs?host=/run&password=secret", "postgresql:///jobs?host=/run&password=***"),
        ("postgresql://me:secret@a:1,b:2/jobs?schema=x", "postgresql://me:***@a:1,b:2/jobs?schema=x"),
    ],
)
def test_passwords_are_not_shown(url: str, shown: str) -> None:
    assert public(url) == shown


def test_a_file_below_another_folder(shell: Shell) -> None:
    assert not Path("jobs.db-lock").exists()
    assert run("migrate", "--url", "sqlite:///jobs.db").exit_code == 0
    assert Path("jobs.db").exists()
