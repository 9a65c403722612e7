"""Where the product meets threads, sockets, the kernel's locks and real time: there the simulation stands in."""

from __future__ import annotations

import asyncio
import logging
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from jobledger._runtime import node, registry, threads
from jobledger._runtime.signature import Signature
from jobledger._store.sqlite import connection
from jobledger._store.sqlite import store as sqlite
from tests.faults.simulation.liveness import SimulatedLag, SimulatedLiveness
from tests.faults.simulation.process import current
from tests.faults.simulation.store import SimulatedEar, SimulatedStore, remove, ring

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from jobledger._store.sqlite.lockfile import LockFile

_signature = cache(Signature)
_newest = cache(connection.newest)
_log = logging.getLogger("jobledger")
POLL_SECONDS = 1.0
"""Slower than it is, so that more seeds fit into a second: most looks find nothing."""


def _lock_file(_: Path) -> LockFile:
    return current().lock


def _in_thread(thread: Any, work: Callable[[], Any]) -> Awaitable[Any]:
    return asyncio.get_running_loop().run_in_executor(thread, work)


class Loudest(logging.Handler):
    """Keeps what the product calls a defect of its own."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.msg.startswith("nothing can be written any more"):
            return  # of a disk that fails on purpose
        if record.levelno >= logging.CRITICAL or "out of balance" in record.msg:
            self.heard.append(
                f"{record.getMessage()} {record.exc_info[1]!r}" if record.exc_info else record.getMessage()
            )


@contextmanager
def simulated() -> Iterator[Loudest]:
    """Inside, processes are simulated ones."""
    loudest, level, propagates = Loudest(), _log.level, _log.propagate
    with ExitStack() as stack:
        for module, name, instead in (
            (threads, "in_thread", _in_thread),
            (sqlite, "SqliteStore", SimulatedStore),
            (sqlite, "lock_file", _lock_file),
            (sqlite, "Ear", SimulatedEar),
            (sqlite, "ring", ring),
            (sqlite, "remove", remove),
            (node, "Liveness", SimulatedLiveness),
            (node, "LagWatch", SimulatedLag),
            (node, "POLL_SECONDS", POLL_SECONDS),
            (registry, "Signature", _signature),  # these two only need not be worked out for each process again
            (connection, "newest", _newest),
        ):
            stack.enter_context(patch.object(module, name, instead))
        _log.addHandler(loudest)
        _log.propagate = False
        try:
            yield loudest
        finally:
            _log.removeHandler(loudest)
            _log.propagate, _log.level = propagates, level
