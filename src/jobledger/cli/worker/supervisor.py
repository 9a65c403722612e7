"""The supervisor: it keeps several worker processes alive, replaces them, and stops them."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

from jobledger.cli.worker.backoff import Backoff
from jobledger.cli.worker.child import Child
from jobledger.cli.worker.place import Place
from jobledger.cli.worker.reaping import reaped
from jobledger.cli.worker.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jobledger._clock import Clock
    from jobledger.cli.worker.announcer import Announcer
    from jobledger.cli.worker.patience import Patience

_USAGE = 2
"""The exit code of a worker that was called wrongly: it would be the same again."""


class Supervisor:
    """Starts workers, restarts those that end, and stops all at a signal.

    It opens no store and imports no handlers, so nothing that jobs do can harm it. It sleeps until a signal comes or a
    child says something.

    Make it on a running loop, in the main thread: it takes the process's signals.

    Args:
        command: what starts a worker.
        processes: how many.
        patience: how long it waits for them.
        announcer: is told.
        clock: time and chance.
    """

    def __init__(
        self, command: Sequence[str], processes: int, patience: Patience, announcer: Announcer, clock: Clock
    ) -> None:
        """Nothing is started yet."""
        self._command = command
        self._patience = patience
        self._announcer = announcer
        self._clock = clock
        self._terminal = Terminal()
        self._children: dict[int, Child] = {}
        self._stopping: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._places = [
            Place(self._start, announcer, Backoff(clock.sample), patience, self._stopping) for _ in range(processes)
        ]
        self._refusal: Child | None = None
        self._judged: set[Child] = set()
        self._ever_ready = False
        self._all_ready = False
        self._roll_wanted = False
        self._rolling: asyncio.Task[None] | None = None
        announcer.serving = self._serving

    async def run(self) -> int:
        """Keep the workers until a signal, and stop them.

        Returns:
            The exit code: 0 if all that lived at the signal ended in order, else the worst of theirs. If none lived,
            the worst of those that ended last.
        """
        began = self._clock.monotonic()
        self._listen()
        keeping = [asyncio.ensure_future(place.keep()) for place in self._places]
        await asyncio.wait([self._stopping, *keeping], return_when=asyncio.FIRST_COMPLETED)
        self._stop()  # if it wasn't a signal, something is broken here: no worker is left alone with that
        while self._children:
            await asyncio.wait([child.ended for child in self._children.values()])
        await asyncio.gather(*keeping, *([self._rolling] if self._rolling else []))
        if self._refusal is not None:
            self._announcer.refused(self._refusal)
            return _USAGE
        code = max((child.exit_code for child in self._judged), default=1)
        self._announcer.stopped(code, self._clock.monotonic() - began)
        return code

    def ready(self, child: Child) -> None:
        """A child claims jobs."""
        self._ever_ready = True
        self._announcer.ready(child)
        if not self._all_ready and len(self._serving()) == len(self._places):
            self._all_ready = True
            self._announcer.all_ready(child)

    def killed(self, child: Child, patience: float) -> None:
        """A child had outlived its time."""
        self._announcer.killed(child, patience)

    def _start(self) -> Child:
        child = Child.start(self._command, self, self._clock.monotonic)
        self._children[child.pid] = child
        self._announcer.started(child)
        asyncio.get_running_loop().call_later(self._patience.ready, self._look_after, child)
        return child

    def _look_after(self, child: Child) -> None:
        if not (child.ready.done() or child.ended.done() or child.dismissed):
            self._announcer.late(child, self._patience.ready)

    def _serving(self) -> list[int]:
        return [pid for pid, child in self._children.items() if child.serves]

    def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGCHLD, self._reap)
        loop.add_signal_handler(signal.SIGTERM, self._asked_to_stop)
        loop.add_signal_handler(signal.SIGINT, self._asked_to_stop)
        loop.add_signal_handler(signal.SIGHUP, self._hung_up)
        loop.add_signal_handler(signal.SIGTSTP, self._suspend)

    def _reap(self) -> None:
        for pid, code in reaped([*self._children]):
            child = self._children.pop(pid, None)
            if child is None:
                continue  # an orphan that was left to the first process of a container
            child.end(code)
            self._announcer.ended(child)
            if code == _USAGE and not self._ever_ready and not self._stopping.done():
                self._refusal = child
                self._stop()

    def _asked_to_stop(self) -> None:
        if not self._stopping.done():
            self._announcer.stopping()
            self._stop()
            return
        self._announcer.hurrying()
        for child in self._children.values():
            child.hurry(self._patience.margin)

    def _stop(self) -> None:
        if self._stopping.done():
            return
        self._stopping.set_result(None)
        living = self._children.values()
        self._judged = {*living} or {place.child for place in self._places if place.child is not None}
        for child in living:
            child.dismiss(self._patience.stop)

    def _hung_up(self) -> None:
        """SIGHUP: somebody wants new workers, or the terminal is gone and nobody wants anything."""
        if self._terminal.went():
            if self._terminal.may_go:
                self._announcer.terminal_gone()
            else:
                self._asked_to_stop()
            return
        self._roll_wanted = True
        if self._rolling is None or self._rolling.done():
            self._rolling = asyncio.ensure_future(self._roll_as_wanted())

    async def _roll_as_wanted(self) -> None:
        while self._roll_wanted and not self._stopping.done():
            self._roll_wanted = False
            self._announcer.rolling()
            await self._roll()

    async def _roll(self) -> None:
        for place in self._places:
            why = await place.replace()
            if self._stopping.done():
                return
            if why is not None:
                self._announcer.halted(why)
                return
        self._announcer.rolled()

    def _suspend(self) -> None:
        """Ctrl-Z: the children are not in this process group, so they are stopped and continued with it."""
        for child in self._children.values():
            child.signal_group(signal.SIGSTOP)
        os.kill(os.getpid(), signal.SIGSTOP)  # returns when the shell says SIGCONT: `fg`, `bg`
        for child in self._children.values():
            child.signal_group(signal.SIGCONT)
