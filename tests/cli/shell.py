"""The command line as tests use it: in this process, or in one of its own."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from typer.testing import CliRunner, Result

import jobledger
from jobledger import App
from jobledger._core.job import Status
from jobledger.cli.commands import cli
from jobledger.cli.source import load
from tests.sqlite_file import SqliteFile
from tests.waiting import until, until_blocking

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE = Path(jobledger.__file__).parents[1]
TESTS = Path(__file__).parents[2]
PROGRAM = Path(__file__).parent / "programs" / "handlers.txt"


class Shell:
    """Commands on one store, run in this process; ``target`` names an App with handlers in the current directory."""

    def __init__(self, folder: Path, url: str, target: str) -> None:
        self.folder = folder
        self.url = url
        self.target = target

    def __call__(self, *words: str, stdin: str | bytes | None = None) -> Result:
        """A command on the store, without handlers."""
        return CliRunner().invoke(cli, [*words, "--url", self.url], input=stdin, prog_name="jobledger")

    def json(self, *words: str) -> Any:
        """What a command that succeeds says as JSON."""
        result = self(*words, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def submit(self, *words: str) -> str:
        """Submit with the handlers at hand; the id of the first job."""
        result = self("submit", *words, "--app", self.target)
        assert result.exit_code == 0, result.output
        return result.stdout.splitlines()[0]

    def status_of(self, job_id: str) -> Status:
        return Status(self.json("status", job_id)["status"])

    def work_off(self) -> None:
        """Run what is queued in a worker of this process, until it has ended; what is delayed stays."""
        asyncio.run(_work_off(load(self.target, self.url)))

    def dump(self) -> dict[str, list[Any]]:
        """Every row, but those of the processes that came and went, and the store's clock."""
        tables = SqliteFile(Path(self.url.removeprefix("sqlite:///").partition("?")[0])).dump()
        return {name: rows for name, rows in tables.items() if name not in {"writer", "book", "sqlite_sequence"}}


async def _work_off(app: App) -> None:
    async with app.worker(threads=2):
        await until(lambda: _is_idle(app), "every job has ended", timeout=30)


async def _is_idle(app: App) -> bool:
    jobs = app.metrics.jobs
    return not await jobs.queue_depth.read() and not await jobs.running.read()


class Program:
    """``python -m jobledger …`` in a process of its own; killed at the end, if it is still there.

    With ``log`` its stderr goes to that file: a pipe that nobody reads stops whoever logs much.
    """

    def __init__(
        self, shell: Shell, *words: str, module: str = "jobledger", stdin: int | None = None, log: Path | None = None
    ) -> None:
        env = os.environ | {"PYTHONPATH": f"{SOURCE}{os.pathsep}{TESTS}", "JOBLEDGER_URL": shell.url}
        for name in ("FORCE_COLOR", "PYTHONUNBUFFERED"):
            env.pop(name, None)
        self._log = log
        with nullcontext() if log is None else log.open("w", encoding="utf-8") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", module, *words], cwd=shell.folder, env=env, text=True, encoding="utf-8",
                stdin=stdin or subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=file or subprocess.PIPE,
            )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        if self.process.stdout is None or self.process.stdout.closed:
            self.process.wait()
            if self.process.stderr is not None:
                self.process.stderr.close()
            return
        err = self.process.communicate()[1]
        if kind is not None:
            sys.stderr.write(err if self._log is None else self.logged)

    @property
    def logged(self) -> str:
        """What is in the log file by now."""
        assert self._log is not None
        return self._log.read_text(encoding="utf-8")

    def line(self) -> str:
        """The next line of stdout."""
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        self.process.send_signal(number)

    def ended(self, timeout: float = 30) -> tuple[int, str, str]:
        """Wait for its end: exit code, the rest of stdout, stderr."""
        out, err = self.process.communicate(timeout=timeout)
        return self.process.returncode, out, err if self._log is None else self.logged


def wait_for(shell: Shell, job_id: str, status: Status) -> None:
    """Wait until a job has a status."""
    until_blocking(lambda: shell.status_of(job_id) is status, f"job {job_id} is {status}", timeout=30)


def lines_of(text: str) -> Iterator[str]:
    """The lines that are not empty."""
    return (line for line in text.splitlines() if line.strip())
