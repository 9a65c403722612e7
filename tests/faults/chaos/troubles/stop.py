"""A worker is stopped for longer than its lease, and goes on."""

from __future__ import annotations

import random
import signal
import time
from typing import TYPE_CHECKING

from tests.faults.chaos.crew import until_stopped

if TYPE_CHECKING:
    from tests.faults.chaos.crew import Crew, Worker
    from tests.faults.chaos.settings import Fault, Settings


class Stop:
    """Others take over, and do not wait for it. In half of the cases nobody is killed, so that they live to notice."""

    name: Fault = "stop"

    def __init__(self, crew: Crew, settings: Settings) -> None:
        self.lasts = 2.0 * settings.lease
        self._crew = crew
        self._chance = random.Random(f"{settings.seed}:stop")
        self._victim: Worker | None = None

    def begin(self) -> list[int]:
        self._victim = self._chance.choice(self._crew.victims or self._crew.workers)
        self._victim.process.send_signal(signal.SIGSTOP)
        until_stopped(self._victim.pid)
        self._crew.spared.add(self._victim.pid)
        self._crew.is_spared = self._chance.random() < 0.5
        return [self._victim.pid]

    def end(self) -> int:
        assert self._victim is not None
        self._victim.process.send_signal(signal.SIGCONT)
        until = time.monotonic_ns()
        self._crew.spared.discard(self._victim.pid)
        self._crew.is_spared = False
        return until
