"""What goes wrong beside the kills: one trouble after the other, each for a while."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

from tests.faults.chaos.lines import Signalled

if TYPE_CHECKING:
    from tests.faults.chaos.journal import Journal
    from tests.faults.chaos.settings import Settings
    from tests.faults.chaos.troubles.trouble import Trouble


class Weather:
    """Takes the troubles in turn, each as often as the others; with a pause as between two kills.

    Args:
        troubles: all there are.
        settings: of the run.
        journal: where it is written down whom each has hit.
    """

    def __init__(self, troubles: list[Trouble], settings: Settings, journal: Journal) -> None:
        self._troubles = troubles
        self._journal = journal
        self._pause = settings.every
        self._chance = random.Random(f"{settings.seed}:weather")
        self._coming: list[Trouble] = []
        self._now: Trouble | None = None
        self._hit: list[int] = []
        self._began = 0
        self._turns_at = time.monotonic() + self._pause

    def step(self) -> None:
        """The next thing, if its time has come."""
        if time.monotonic() < self._turns_at:
            return
        if self._now is not None:
            self.clear()
        elif self._troubles:
            self._coming = self._coming or self._chance.sample(self._troubles, len(self._troubles))
            self._now = self._coming.pop()
            self._began = time.monotonic_ns()
            self._hit = self._now.begin()
            self._turns_at = time.monotonic() + self._now.lasts

    def clear(self) -> None:
        """What is wrong now is over."""
        if self._now is None:
            return
        name, until = self._now.name, self._now.end()
        for role, pid in [("trouble", 0), *(("worker", pid) for pid in self._hit)]:
            self._journal.write(Signalled(role, pid, name, self._began, until))
        self._now = None
        self._turns_at = time.monotonic() + self._pause
