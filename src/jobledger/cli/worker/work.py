"""The worker of this process: it runs jobs until a signal, or until its supervisor is dead."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NoReturn

from jobledger.cli.worker.lifeline import STUCK
from jobledger.errors import WorkerStuck

if TYPE_CHECKING:
    from collections.abc import Callable

    from jobledger._runtime.node import Node
    from jobledger.app import App
    from jobledger.cli.worker.lifeline import Lifeline
    from jobledger.cli.worker.limits import Limits
    from jobledger.cli.worker.voice import Voice

log = logging.getLogger("jobledger.worker")
_YOUNG: Final = 5_000
"""Objects that may be made before the garbage collector looks at them.

A batch of a hundred jobs makes as many, and all of them end without it: at Python's 700 it took a tenth of the time.
"""


async def work(app: App, limits: Limits, voice: Voice, lifeline: Lifeline | None = None) -> None:
    """Run jobs until the first signal; then stop in order. Does not return if code is stuck: the process ends.

    Args:
        app: the App with the handlers.
        limits: what it may do at once.
        voice: where it says how it is.
        lifeline: the line to the supervisor, if there is one.

    Raises:
        JobledgerError: the worker can't start.
    """
    _leave_young_alone()
    signals = Signals()
    began = time.monotonic()
    try:
        async with app.worker(
            slots=limits.slots, threads=limits.threads, grace=limits.grace, lease=limits.lease
        ) as node:
            signals.listen(node)
            if lifeline is not None:
                lifeline.when_lost(signals.outside(asyncio.get_running_loop()))
            voice.ready(app, limits)
            await signals.first.wait()
            log.info("stopping: running jobs get %g s, a second signal ends that", limits.grace)
    except WorkerStuck as error:
        _die(error)
    voice.stopped(node.ended, time.monotonic() - began)


def _leave_young_alone() -> None:
    young, *older = gc.get_threshold()
    if 0 < young < _YOUNG:  # 0: the App has switched it off
        gc.set_threshold(_YOUNG, *older)


class Signals:
    """The first signal stops the worker, the next one hurries it.

    Attributes:
        first: the worker should stop.
    """

    def __init__(self) -> None:
        """Not listening yet: until then a signal ends the process at once."""
        self.first = asyncio.Event()

    def listen(self, node: Node) -> None:
        """Listen until the loop ends."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._heard, node)

    def outside(self, loop: asyncio.AbstractEventLoop) -> Callable[[], None]:
        """The first signal, as a function for other threads."""

        def stop() -> None:
            with suppress(RuntimeError):  # the loop is closed: it has stopped already
                loop.call_soon_threadsafe(self.first.set)

        return stop

    def _heard(self, node: Node) -> None:
        if self.first.is_set():
            log.warning("second signal: running jobs are stopped now")
            node.hurry()
        self.first.set()


def _die(error: WorkerStuck) -> NoReturn:
    """End at once: threads can't be stopped, and any other way out would wait for them."""
    log.critical("%s", error)
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(STUCK)
