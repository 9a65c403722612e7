"""The worker processes of the demo."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import msgspec

from jobledger._config import URL_VARIABLE
from jobledger.cli.demo.serving import SEEN_VARIABLE
from jobledger.errors import JobledgerError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType
    from typing import Self

TARGET: Final = "jobledger.cli.demo.serving:app"
_GRACE: Final = 2.0
_IN_ORDER: Final = (0, -signal.SIGTERM)
"""A worker that is stopped before it is ready ends by the signal itself."""
_LONGEST_LINE: Final = 1 << 20
_PATIENCE: Final = 15.0
"""Longer than a worker takes to stop in order: its grace time, and five seconds more for code that won't."""


class Strength(msgspec.Struct, frozen=True):
    """One worker, for showing: what it runs now, and what it has run."""

    pid: int
    running: int
    ended: int
    killed: bool


class WorkerProcess:
    """One worker, in a process of its own.

    Attributes:
        pid: the process.
        killed: this demo has killed it.
        ready: set when it claims jobs, or has ended before it could.
        last: the last thing that it said on stderr.
    """

    def __init__(self, process: asyncio.subprocess.Process, say: Callable[[str], None]) -> None:
        """Listen to a process that has just been started."""
        self.pid = process.pid
        self.killed = False
        self.ready = asyncio.Event()
        self.last = ""
        self._process = process
        self._say = say
        self._ears = [asyncio.ensure_future(ear) for ear in (self._hear_ready(), self._hear_errors())]

    @property
    def works(self) -> bool:
        """Whether it claims jobs, as far as is known."""
        return self.ready.is_set() and self._process.returncode is None and not self.killed

    @property
    def code(self) -> int | None:
        """Its exit code; None while it lives."""
        return self._process.returncode

    def kill(self) -> None:
        """As `kill -9` does it: the process gets no chance to do or write anything more."""
        self.killed = True
        self._process.kill()

    def stop(self) -> None:
        """Ask it to stop in order."""
        with suppress(ProcessLookupError):
            self._process.terminate()

    async def ended(self, patience: float) -> None:
        """Wait for its end, and help it after so many seconds."""
        end = asyncio.ensure_future(self._end())
        await asyncio.wait({end}, timeout=patience)
        if not end.done():
            with suppress(ProcessLookupError):
                self._process.kill()
        await end

    async def _end(self) -> None:
        await self._process.wait()
        assert self._process.stdin is not None  # noqa: S101 - opened as a pipe
        self._process.stdin.close()
        for ear in self._ears:
            await ear

    async def _hear_ready(self) -> None:
        """The first line on stdout says that it claims jobs, the next one that it has stopped."""
        assert self._process.stdout is not None  # noqa: S101 - opened as a pipe
        async for _ in self._process.stdout:
            self.ready.set()
        self.ready.set()

    async def _hear_errors(self) -> None:
        """Its warnings are shown."""
        assert self._process.stderr is not None  # noqa: S101 - opened as a pipe
        async for line in self._process.stderr:
            text = line.decode(errors="replace").rstrip()
            if text:
                self.last = text.split(": ", 1)[-1]
                self._say(f"worker {self.pid}: {self.last}")


class Crew:
    """Several workers on one database; they are stopped when the block is left.

    Each gets a process group of its own, so that Ctrl-C in a terminal reaches the demo alone, which stops them. And
    each follows its stdin: if the demo itself is killed, they stop, too.

    Args:
        url: the database.
        seen: the file of the witnesses.
        slots: jobs at once in each of them.
        say: shows a line.

    Attributes:
        workers: those that live and those that lived, in the order of their start.
    """

    def __init__(self, url: str, seen: Path, slots: int, say: Callable[[str], None]) -> None:
        """Nobody is there yet."""
        self.workers: list[WorkerProcess] = []
        self._say = say
        # A URL may hold a password, and the words of a command can be seen by everybody.
        self._environment = os.environ | {SEEN_VARIABLE: str(seen.absolute()), URL_VARIABLE: url}
        # Files are measured in threads; the one slot is for the watch.
        options = ("--slots=1", f"--threads={slots}", f"--grace={_GRACE}", "--json")
        self._command = (sys.executable, "-m", "jobledger", "worker", TARGET, *options)

    async def __aenter__(self) -> Self:
        """Nobody is started yet."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop all, in order."""
        for worker in self.workers:
            worker.stop()
        await asyncio.gather(*(worker.ended(_PATIENCE) for worker in self.workers))
        for worker in self.workers:
            if worker.code not in _IN_ORDER and not worker.killed:
                self._say(f"worker {worker.pid} did not end in order: exit code {worker.code}")

    async def start(self) -> WorkerProcess:
        """Start one more worker; it is not ready yet."""
        process = await asyncio.create_subprocess_exec(
            *self._command,
            env=self._environment,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            limit=_LONGEST_LINE,
            process_group=0,
        )
        worker = WorkerProcess(process, self._say)
        self.workers.append(worker)
        return worker

    async def ready(self) -> None:
        """Wait until all of them claim jobs, or have ended."""
        await asyncio.gather(*(worker.ready.wait() for worker in self.workers))

    def check(self) -> None:
        """See that somebody works.

        Raises:
            JobledgerError: all workers have ended.
        """
        if all(worker.killed or worker.code is not None for worker in self.workers):
            last = "; ".join(f"worker {one.pid}: exit code {one.code}, {one.last or 'no word'}" for one in self.workers)
            raise JobledgerError(f"no worker of the demo lives any more, so its jobs wait ({last})")
