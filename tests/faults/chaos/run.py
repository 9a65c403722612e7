"""One run: processes are killed while they work; then everything is drained and checked."""

from __future__ import annotations

import random
import threading
import time
from typing import TYPE_CHECKING, TypeVar

from jobledger._core import catalog
from jobledger._core.books import Audit, balance
from jobledger._metrics.snapshot import Snapshot
from jobledger.errors import StoreError
from tests.faults.chaos import books
from tests.faults.chaos.crew import Crew
from tests.faults.chaos.journal import Journal
from tests.faults.chaos.pause import pause_blocking
from tests.faults.chaos.stage import Stage
from tests.faults.chaos.strike import Striker
from tests.faults.chaos.verdict import Verdict, judge
from tests.faults.chaos.weather import Weather

if TYPE_CHECKING:
    from collections.abc import Callable

    from jobledger._store.contract import Store
    from tests.faults.chaos.settings import Settings

T = TypeVar("T")
AUDITS = 8
"""How often the books are audited while processes are killed."""
_STEP = 0.02
_WARM_SECONDS = 20.0
_LONGEST = 10
"""Of the times that a standstill may last: even what moves must end."""
_LEFT = (catalog.QUEUE_DEPTH, catalog.SCHEDULED, catalog.RUNNING)


def run(settings: Settings, stage: Stage | None = None) -> Verdict:
    """Everything; nothing is left running.

    Args:
        settings: of the run.
        stage: where it takes place, if more is to go wrong than can be done to processes.
    """
    journal = Journal(settings.signals_path)
    crew = Crew(settings, journal)
    try:
        chaos = _Chaos(settings, crew, stage or Stage(settings.url), journal)
        chaos.kill()
        drained = chaos.drain()
        crew.end()
    finally:
        crew.abandon()
        journal.close()
    return judge(settings, chaos.audits, crew.failed, drained)


class _Chaos:
    """The time between the first start and the last end.

    Attributes:
        audits: those that were made meanwhile.
    """

    def __init__(self, settings: Settings, crew: Crew, stage: Stage, journal: Journal) -> None:
        self._settings = settings
        self._crew = crew
        self._striker = Striker(crew, settings, journal)
        self._weather = Weather(stage.troubles(settings, crew), settings, journal)
        self._is_over = threading.Event()
        self._chance = random.Random(f"{settings.seed}:moments")
        self.audits: list[Audit] = []

    def kill(self) -> None:
        """Kills at about equal distances, and one trouble after the other, from the first attempts on."""
        self._warm_up()
        began = time.monotonic()
        auditing = threading.Thread(target=self._audit, args=(began,))
        auditing.start()
        try:
            self._kill_until(began + self._settings.seconds)
            while self._striker.kills < self._settings.kills and time.monotonic() < began + 5 * self._settings.seconds:
                self._kill_until(time.monotonic() + self._settings.every)
            self._weather.clear()
        finally:
            self._is_over.set()
            auditing.join()

    def _kill_until(self, ends: float) -> None:
        began, strikes = time.monotonic(), 0
        while time.monotonic() < ends:
            due = began + (strikes + self._chance.random()) * self._settings.every
            self._until(min(due, ends))
            if due < ends:
                self._striker.strike()
            strikes += 1
            self._until(min(began + strikes * self._settings.every, ends))

    def drain(self) -> float | None:
        """Wait for the end of all jobs, as long as handlers begin or end: how long it took, None at a standstill."""
        began = moved = time.monotonic()
        written = 0
        store = books.opened(self._settings.url)
        try:
            while time.monotonic() < min(moved + self._settings.patience, began + _LONGEST * self._settings.patience):
                self._step()
                if (size := self._settings.attempts_path.stat().st_size) != written:
                    written, moved = size, time.monotonic()
                if self._crew.submitter is None:
                    now = Snapshot(_answered(store.ledger))
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
            self._weather.step()
            self._step()

    def _step(self) -> None:
        self._crew.watch()
        pause_blocking(_STEP)

    def _audit(self, began: float) -> None:
        store: Store = books.opened(self._settings.url)
        try:
            for number in range(1, AUDITS + 1):
                self._is_over.wait(max(began + self._settings.seconds * number / AUDITS - time.monotonic(), 0.0))
                self.audits.append(balance(_answered(store.audit)))
        finally:
            store.close()


def _answered(ask: Callable[[], T]) -> T:
    """Asked again while the store can't be reached."""
    deadline = time.monotonic() + _WARM_SECONDS
    while True:
        try:
            return ask()
        except StoreError:
            if time.monotonic() > deadline:
                raise
            pause_blocking(0.1)
