"""The lease thread and the lag thread, without threads: the steps are the product's own."""

from __future__ import annotations

from typing import Any

from jobledger._runtime.lag import LagWatch
from jobledger._runtime.liveness import RENEWALS, Liveness
from tests.faults.simulation.process import current


class SimulatedLiveness(Liveness):
    """Renews from a timer that also runs while the loop of its process is blocked."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._process = current()

    def start(self) -> None:
        self.begin()
        self._later()

    def _later(self) -> None:
        self._process.machine.loop.call_in_thread(self._lease / RENEWALS, self._beat, self._process.context)

    def _beat(self) -> None:
        if not self._ended.is_set():
            self.step()
            self._later()


class SimulatedLag(LagWatch):
    """Knows from its process how long that was blocked."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._process = current()

    def start(self) -> None:
        pass

    def stalled(self) -> float:
        return self._process.blocked_for()
