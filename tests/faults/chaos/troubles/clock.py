"""The wall clock of a worker's machine is an hour off."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

from tests.faults.wall_clock import HOUR

if TYPE_CHECKING:
    from tests.faults.chaos.crew import Crew
    from tests.faults.chaos.settings import Fault, Settings


class Clock:
    """Ahead or behind; costs nobody a job."""

    name: Fault = "clock"
    lasts = 2.0

    def __init__(self, crew: Crew, settings: Settings) -> None:
        self._crew = crew
        self._chance = random.Random(f"{settings.seed}:clock")
        self._place = 0

    def begin(self) -> list[int]:
        self._place = self._chance.choice(self._crew.workers).place
        self._crew.clock(self._place).jump(self._chance.choice((-HOUR, HOUR)))
        return []

    def end(self) -> int:
        self._crew.clock(self._place).jump(0)
        return time.monotonic_ns()
