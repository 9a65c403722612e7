"""The disk of the store is full."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jobledger.testing.postgres import OwnServer
    from tests.faults.chaos.crew import Crew
    from tests.faults.chaos.settings import Fault
    from tests.faults.conftest import SmallDisk


class Full:
    """To the last block. A server may give up, and is started again once there is space.

    Args:
        disk: where the store is, and nothing else.
        crew: who may lose jobs by it, if it is a server's disk; beside a file they show all the time that they live.
        server: whose disk it is, if it is a server's.
    """

    name: Fault = "full"
    lasts = 2.0

    def __init__(self, disk: SmallDisk, crew: Crew, server: OwnServer | None = None) -> None:
        self._disk = disk
        self._crew = crew
        self._server = server

    def begin(self) -> list[int]:
        self._disk.fill()
        return [] if self._server is None else [worker.pid for worker in self._crew.workers]

    def end(self) -> int:
        self._disk.free()
        if self._server is not None:
            self._server.start()
        return time.monotonic_ns()
