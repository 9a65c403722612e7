"""The server restarts: it crashes, or is stopped in order."""

from __future__ import annotations

import time
from itertools import cycle
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobledger.testing.postgres import OwnServer
    from jobledger.testing.postgres.server import Mode
    from tests.faults.chaos.crew import Crew
    from tests.faults.chaos.settings import Fault


class Restart:
    """Every second time it is a crash."""

    name: Fault = "restart"
    lasts = 0.3

    def __init__(self, server: OwnServer, crew: Crew) -> None:
        self._server = server
        self._crew = crew
        self._modes: Iterator[Mode] = cycle(("immediate", "fast"))

    def begin(self) -> list[int]:
        self._server.stop(next(self._modes))
        return [worker.pid for worker in self._crew.workers]

    def end(self) -> int:
        self._server.start()
        return time.monotonic_ns()
