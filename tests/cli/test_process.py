"""The process around a command: missing extras, broken pipes, Ctrl-C."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from jobledger._core.job import Status
from tests.cli.shell import SOURCE, Program, Shell
from tests.waiting import until_blocking


def without(module: str, *words: str) -> subprocess.CompletedProcess[str]:
    code = f"import sys; sys.modules[{module!r}] = None; from jobledger.cli import main; sys.exit(main())"
    env = os.environ | {"PYTHONPATH": str(SOURCE)}
    return subprocess.run([sys.executable, "-c", code, *words], env=env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("module", ["typer", "rich"])
def test_without_the_extra_it_says_which(module: str) -> None:
    result = without(module, "list")
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr == "error: the command line is an extra: pip install 'jobledger[cli]'\n"


@pytest.mark.parametrize("module", ["uvicorn", "starlette"])
def test_without_the_web_extra_only_serve_is_missing(module: str, shell: Shell) -> None:
    shell("migrate")
    result = without(module, "serve", "--url", shell.url)
    assert result.returncode == 1
    assert result.stderr == "error: serving is an extra: pip install 'jobledger[web]'\n"
    assert without(module, "list", "--url", shell.url).returncode == 0


def test_without_file_locks_several_processes_are_refused() -> None:
    result = without("fcntl", "worker", "jobs:app", "--processes", "2")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("error: several processes need file locks as Linux and macOS have them")


def test_a_reader_that_has_seen_enough(shell: Shell) -> None:
    shell.submit("poison")
    shell("submit", "poison", json.dumps([{"text": "x" * 8_000}] * 500))
    shell.work_off()
    with Program(shell, "dlq", "list", "--limit", "1000", "--json") as listing:  # 4 MB, more than any pipe takes
        assert listing.process.stdout is not None
        listing.process.stdout.read(10)
        listing.process.stdout.close()
        assert listing.process.wait(timeout=30) == 1
        assert listing.process.stderr is not None
        assert listing.process.stderr.read() == ""


def test_a_reader_that_never_looked(shell: Shell) -> None:
    shell.submit("poison")
    with Program(shell, "list") as listing:
        assert listing.process.stdout is not None
        listing.process.stdout.close()
        assert listing.process.wait(timeout=30) == 1
        assert listing.process.stderr is not None
        assert listing.process.stderr.read() == ""


def test_ctrl_c_while_it_watches(shell: Shell) -> None:
    job_id = shell.submit("endless")
    with Program(shell, "status", job_id, "--watch") as watching:
        assert watching.process.stderr is not None
        assert "submitted" in watching.process.stderr.readline()
        watching.stop(signal.SIGINT)
        assert watching.ended() == (130, "", "")


@pytest.mark.parametrize("words", [("submit", "poison", "-"), ("submit", "poison", "--lines")], ids=" ".join)
def test_ctrl_c_while_it_reads_stdin(shell: Shell, words: tuple[str, ...]) -> None:
    shell.submit("poison")
    reading, writing = os.pipe()
    with Program(shell, *words, stdin=reading) as program:
        os.close(reading)
        os.write(writing, b"{}\n")
        wait_until_it_sleeps(program)
        program.stop(signal.SIGINT)
        assert program.ended() == (130, "", "")
    os.close(writing)
    assert len(shell.json("list")["jobs"]) == 1


def test_ctrl_c_at_a_question(shell: Shell) -> None:
    job_id = shell.submit("poison")
    shell.work_off()
    reading, writing = os.pipe()
    with Program(shell, "dlq", "discard", "--all", stdin=reading) as program:
        os.close(reading)
        assert program.process.stderr is not None
        assert program.process.stderr.readline() == "discard 1 dead letter? [y/N]\n"
        wait_until_it_sleeps(program)
        program.stop(signal.SIGINT)
        assert program.ended() == (130, "", "")
    os.close(writing)
    assert shell.status_of(job_id) is Status.FAILED


def wait_until_it_sleeps(program: Program) -> None:
    """Until its main thread waits in read(): there is nothing else in it that could be interrupted."""
    wchan = Path(f"/proc/{program.process.pid}/wchan")
    until_blocking(lambda: "pipe" in wchan.read_text(), "the process waits for stdin", timeout=30)


def test_the_version() -> None:
    env = os.environ | {"PYTHONPATH": str(SOURCE)}
    words = [sys.executable, "-m", "jobledger", "--version"]
    result = subprocess.run(words, env=env, capture_output=True, text=True, check=True)
    assert result.stdout.startswith("jobledger ")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_that_cannot_show_everything(shell: Shell, encoding: str) -> None:
    shell.submit("email.send", '{"to": "漢字"}', "--entity", "漢字")
    env = os.environ | {"PYTHONPATH": str(SOURCE), "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    words = [sys.executable, "-m", "jobledger", "list", "--url", shell.url]
    result = subprocess.run(words, env=env, capture_output=True, check=True)
    assert rb"\u6f22\u5b57" in result.stdout
