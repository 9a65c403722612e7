"""What other processes leave to be done is noticed: by a cheap look, and by a wake-up."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from jobledger._store.contract import Enlistment, Room
from jobledger._types import SECOND

if TYPE_CHECKING:
    from collections.abc import Generator

    from jobledger.conformance.driver import Driver

_PATIENCE = 10.0


class TestProspects:
    """Whether a look is worth a batch."""

    def test_nothing_is_to_be_done(self, driver: Driver) -> None:
        """An idle worker makes no batch."""
        prospect = driver.store.prospect(driver.worker.writer_id, _room(driver))
        assert (prospect.worthwhile, prospect.next_due) == (False, None)

    def test_a_ready_job_of_its_types(self, driver: Driver) -> None:
        """Committed by any process."""
        driver.submit(driver.bill)
        other = driver.open()
        assert other.prospect(driver.worker.writer_id, _room(driver)).worthwhile
        assert not other.prospect(driver.worker.writer_id, Room((driver.mail,), suspects=True, stops=0)).worthwhile
        assert not other.prospect(driver.worker.writer_id, Room((), suspects=True, stops=0)).worthwhile

    def test_a_parked_job_is_not_ready(self, driver: Driver) -> None:
        """It waits for its entity."""
        driver.submit(entity="e")
        driver.start_one()
        driver.submit(entity="e")
        assert not driver.store.prospect(driver.worker.writer_id, _room(driver)).worthwhile

    def test_a_lost_job_only_where_there_is_room_for_a_suspect(self, driver: Driver) -> None:
        """One at a time in a process."""
        driver.submit()
        dead = driver.enlist()
        driver.start_one(dead)
        driver.lose(dead)
        assert driver.store.prospect(driver.worker.writer_id, _room(driver)).worthwhile
        assert not driver.store.prospect(driver.worker.writer_id, _room(driver, suspects=False)).worthwhile

    def test_a_request_to_cancel_that_it_has_not_heard_of(self, driver: Driver) -> None:
        """Of its own running jobs."""
        job_id = driver.submit()
        driver.start_one()
        driver.cancel(job_id)
        other = driver.enlist()
        assert driver.store.prospect(driver.worker.writer_id, _room(driver)).worthwhile
        assert not driver.store.prospect(driver.worker.writer_id, _room(driver, stops=1)).worthwhile
        assert not driver.store.prospect(other.writer_id, _room(driver)).worthwhile

    def test_a_scheduled_job_tells_its_time(self, driver: Driver) -> None:
        """And is worth a batch once that has come."""
        driver.submit(delay=5 * SECOND)
        prospect = driver.store.prospect(driver.worker.writer_id, _room(driver))
        assert (prospect.worthwhile, prospect.next_due) == (False, driver.clock.at + 5 * SECOND)
        driver.clock.advance(5 * SECOND)
        assert driver.store.prospect(driver.worker.writer_id, _room(driver)).worthwhile


class TestWakeUps:
    """A hint from another process, after its commit."""

    @pytest.fixture
    def ear(self, driver: Driver) -> Generator[_Listener]:
        """A worker of another process, listening."""
        listener = _Listener(driver)
        yield listener
        listener.store.listen(None)

    def test_a_ready_job_wakes_a_worker(self, driver: Driver, ear: _Listener) -> None:
        """After the commit: the job is there when it looks."""
        driver.submit()
        assert ear.wakes()
        assert ear.types == frozenset((driver.mail,))
        assert ear.store.prospect(ear.writer_id, _room(driver)).worthwhile

    def test_a_request_to_cancel_wakes(self, driver: Driver, ear: _Listener) -> None:
        """Whoever runs the job is among those woken."""
        running = driver.new()
        driver.worker.send(running, claim=driver.worker.asks(10))
        driver.cancel(running.id)
        assert ear.wakes()
        assert ear.types == frozenset()

    def test_a_scheduled_job_wakes(self, driver: Driver, ear: _Listener) -> None:
        """Timers elsewhere must know of it."""
        driver.submit(delay=SECOND)
        assert ear.wakes()

    def test_a_takeover_wakes(self, driver: Driver, ear: _Listener) -> None:
        """What was put back may start anywhere."""
        dead = driver.enlist()
        dead.send(driver.new(), claim=dead.asks(10))
        driver.lose(dead)
        assert ear.wakes()

    def test_who_listens_no_more_is_not_called(self, driver: Driver, ear: _Listener) -> None:
        """And nobody minds."""
        ear.store.listen(None)
        before = ear.rings
        driver.submit()
        second = _Listener(driver)
        driver.submit()
        assert second.wakes()
        second.store.listen(None)
        assert ear.rings == before


class _Listener:
    def __init__(self, driver: Driver) -> None:
        self.rings = 0
        self.types: frozenset[int] | None = None
        self._rung = threading.Event()
        self.store: Any = driver.open()
        self.store.listen(self._heard)
        self.writer_id: int = self.store.enlist(Enlistment("worker", "there", 1, 10, (driver.mail, driver.bill)))

    def _heard(self, types: frozenset[int]) -> None:
        self.rings += 1
        self.types = types
        self._rung.set()

    def wakes(self) -> bool:
        return self._rung.wait(_PATIENCE)


def _room(driver: Driver, *, suspects: bool = True, stops: int = 0) -> Room:
    return Room((driver.mail, driver.bill), suspects=suspects, stops=stops)
