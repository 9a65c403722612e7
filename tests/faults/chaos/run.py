"""One run: processes are killed while they work; then everything is drained and checked."""

from __future__ import annotations

import random
import threading
import time
from typing import TYPE_CHECKING

from jobledger._core import catalog
from jobledger._core.books import Audit, balance
from jobledger._metrics.snapshot import Snapshot
from tests.faults.chaos import books
from tests.faults.chaos.crew import Crew
from tests.faults.chaos.journal import Journal
from tests.faults.chaos.pause import pause_blocking
from tests.faults.chaos.strike import Striker
from tests.faults.chaos.verdict import Verdict, judge

if TYPE_CHECKING:
    from tests.faults.chaos.settings import Settings

AUDITS = 8
"""How often the books are audited while processes are killed."""
_STEP = 0.02
_WARM_SECONDS = 20.0
_LEFT = (catalog.QUEUE_DEPTH, catalog.SCHEDULED, catalog.RUNNING)


def run(settings: Settings) -> Verdict:
    """Everything; nothing is left running."""
    crew = Crew(settings)
    try:
        chaos = _Chaos(settings, crew)
        chaos.kill()
        drained = chaos.drain()
        crew.end()
    finally:
        crew.abandon()
    return judge(settings, chaos.audits, crew.failed, drained)


class _Chaos:
    """The time between the first start and the last end.

    Attributes:
        audits: those that were made meanwhile.
    """

    def __init__(self, settings: Settings, crew: Crew) -> None:
        self._settings = settings
        self._crew = crew
        self._striker = Striker(crew, settings, Journal(settings.signals_path))
        self._chance = random.Random(f"{settings.seed}:moments")
        self.audits: list[Audit] = []

    def kill(self) -> None:
        """Signals at about equal distances, from the first attempts on."""
        self._warm_up()
        began = time.monotonic()
        auditing = threading.Thread(target=self._audit, args=(began,))
        auditing.start()
        ends = began + self._settings.seconds
        strikes = 0
        while time.monotonic() < ends:
            due = began + (strikes + self._chance.random()) * self._settings.every
            self._until(min(due, ends))
            if due < ends:
                self._striker.strike()
            strikes += 1
            self._until(min(began + strikes * self._settings.every, ends))
        self._striker.proceed()
        auditing.join()

    def drain(self) -> float | None:
        """Wait for the end of all jobs: how long it took, None if it did not come."""
        began = time.monotonic()
        store = books.opened(self._settings.url)
        try:
            while time.monotonic() < began + self._settings.patience:
                self._step()
                if self._crew.submitter is None:
                    now = Snapshot(store.ledger())
                    if not any(now.value(gauge) for gauge in _LEFT):
                        return time.monotonic() - began
                    pause_blocking(0.1)
        finally:
            store.close()
        return None

    def _warm_up(self) -> None:
        """Workers that are still being started have nothing to lose."""
        deadline = time.monotonic() + _WARM_SECONDS
        path = self._settings.attempts_path
        while time.monotonic() < deadline and (not path.exists() or path.read_bytes().count(b'"ended"') < 1):
            self._step()

    def _until(self, moment: float) -> None:
        while time.monotonic() < moment:
            self._step()

    def _step(self) -> None:
        self._crew.watch()
        self._striker.step()
        pause_blocking(_STEP)

    def _audit(self, began: float) -> None:
        store = books.opened(self._settings.url)
        try:
            for number in range(1, AUDITS + 1):
                pause_blocking(max(began + self._settings.seconds * number / AUDITS - time.monotonic(), 0.0))
                self.audits.append(balance(store.audit()))
        finally:
            store.close()
