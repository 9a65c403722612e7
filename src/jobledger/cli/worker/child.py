"""A worker process, as its supervisor sees it."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from jobledger.cli.worker.lifeline import STUCK
from jobledger.cli.worker.line import Ready, Refused, Stopped, decoded

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Self

log = logging.getLogger("jobledger.supervisor")


class Watcher(Protocol):
    """Who is told how a child is."""

    def ready(self, child: Child) -> None:
        """It claims jobs."""
        ...

    def killed(self, child: Child, patience: float) -> None:
        """It still ran so many seconds after it was asked to stop, and was killed."""
        ...


class Child:
    """One worker process; :meth:`start` makes it.

    Attributes:
        pid: the process, and its process group.
        ready: done when it claims jobs.
        ended: done when it has ended and is reaped.
        code: its exit code; -9 stands for signal 9. None while it lives.
        lived: seconds from its start to its end.
        dismissed: its supervisor has asked it to stop.
        error: why it could not start, as data.
        attempts: what came of its attempts, once it has stopped in order.
    """

    def __init__(
        self, process: subprocess.Popen[bytes], line: socket.socket, watcher: Watcher, now: Callable[[], float]
    ) -> None:
        """Listen to a process that has just been started."""
        self.pid = process.pid
        loop = asyncio.get_running_loop()
        self.ready: asyncio.Future[Ready] = loop.create_future()
        self.ended: asyncio.Future[int] = loop.create_future()
        self.code: int | None = None
        self.lived = 0.0
        self.dismissed = False
        self.error: dict[str, Any] | None = None
        self.attempts: dict[str, int] | None = None
        self._process = process
        self._line = line
        self._rest = b""
        self._watcher = watcher
        self._now = now
        self._began = now()
        self._killed = False
        self._timer: asyncio.TimerHandle | None = None
        loop.add_reader(line, self._read)

    @classmethod
    def start(cls, command: Sequence[str], watcher: Watcher, now: Callable[[], float]) -> Self:
        """Start a fresh interpreter, with one end of a line.

        It gets a process group of its own. So Ctrl-C in a terminal reaches the supervisor alone, which asks each child
        once; and it does not reach the programs that handlers run, which get the grace time with their jobs.

        Raises:
            OSError: the process can't be started.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                number = theirs.fileno()
                process = subprocess.Popen(  # noqa: S603 - our own command
                    [*command, f"--supervised={number}"],
                    stdin=subprocess.DEVNULL,
                    pass_fds=[number],
                    process_group=0,
                )
                ours.settimeout(0)
            except BaseException:
                ours.close()
                raise
        return cls(process, ours, watcher, now)

    @property
    def serves(self) -> bool:
        """Whether it claims jobs now."""
        return self.ready.done() and not self.dismissed and not self.ended.done()

    @property
    def how(self) -> str:
        """How it ended: "exit code 1", "SIGKILL"."""
        if self.code is None or self.code >= 0:
            return f"exit code {self.code}"
        return named(-self.code)

    @property
    def exit_code(self) -> int:
        """How it ended, as its supervisor's exit code would say it.

        A child that was asked to stop before it was ready, or again after it had stopped, ends by the signal itself.
        That is in order.
        """
        if self._killed:
            return STUCK
        in_order = self.dismissed and (not self.ready.done() or self.attempts is not None)
        if self.code == -signal.SIGTERM and in_order:
            return 0
        code = self.code or 0
        return code if code >= 0 else 128 - code

    def dismiss(self, patience: float) -> None:
        """Ask it to stop, and kill it after so many seconds; a second time does nothing."""
        if not self.dismissed:
            self.dismissed = True
            self._ask(patience)

    def hurry(self, patience: float) -> None:
        """Ask it again: its running jobs get no more grace."""
        self.dismissed = True
        self._ask(patience)

    def signal_group(self, number: signal.Signals) -> None:
        """A signal to it and to the programs that its handlers run; nothing if it has ended."""
        if not self.ended.done():
            with suppress(ProcessLookupError, PermissionError):  # macOS: EPERM for a group of zombies
                os.killpg(self.pid, number)

    def end(self, code: int) -> None:
        """It was reaped."""
        self.code = self._process.returncode = code
        self.lived = self._now() - self._began
        if self._timer is not None:
            self._timer.cancel()
        while self._line.fileno() >= 0 and self._read():
            pass
        self._hang_up()
        self.ended.set_result(code)

    def _ask(self, patience: float) -> None:
        if self.ended.done():
            return
        os.kill(self.pid, signal.SIGTERM)
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(patience, self._kill, patience)

    def _kill(self, patience: float) -> None:
        self._killed = True
        self.signal_group(signal.SIGKILL)
        self._watcher.killed(self, patience)

    def _read(self) -> bool:
        try:
            data = self._line.recv(65_536)
        except BlockingIOError:
            return False
        except ConnectionResetError:
            data = b""
        if not data:
            self._hang_up()
            return False
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._hear(line)
        return True

    def _hear(self, line: bytes) -> None:
        try:
            said = decoded(line)
        except msgspec.MsgspecError as error:  # a handler wrote to what was not its own
            log.warning("worker %d said what makes no sense: %s", self.pid, error)
            return
        match said:
            case Ready():
                if not self.ready.done():
                    self.ready.set_result(said)
                    self._watcher.ready(self)
            case Refused():
                self.error = said.error
            case Stopped():
                self.attempts = said.attempts

    def _hang_up(self) -> None:
        if self._line.fileno() >= 0:
            asyncio.get_running_loop().remove_reader(self._line)
            self._line.close()


def named(number: int) -> str:
    """A signal's name."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
