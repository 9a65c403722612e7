"""A worker comes, and a little later another one is asked to leave."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.faults.chaos.crew import Crew
    from tests.faults.chaos.settings import Fault, Settings


class Shift:
    """Costs nobody a job: what runs where somebody leaves is finished there, or put back."""

    name: Fault = "shift"
    lasts = 3.0

    def __init__(self, crew: Crew, settings: Settings) -> None:
        self._crew = crew
        self._chance = random.Random(f"{settings.seed}:shift")

    def begin(self) -> list[int]:
        self._crew.hire()
        return []

    def end(self) -> int:
        self._crew.dismiss(self._chance.choice(self._crew.workers))
        return time.monotonic_ns()
