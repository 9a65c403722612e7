"""Signs of life: what a taker goes by."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from jobledger._store.contract import Enlistment
from jobledger._types import SECOND
from jobledger.errors import Fenced

if TYPE_CHECKING:
    from jobledger._store.contract import Vital
    from jobledger.conformance.driver import Driver


class TestVitals:
    """A beat that changes while a worker renews its lease."""

    def test_every_writer_that_is_not_fenced_is_there(self, driver: Driver) -> None:
        """Workers and clients, with who they are; none of a process that lives has ended."""
        worker = driver.store.enlist(Enlistment("worker", "there", 4712, 5, (driver.mail,), 10 * SECOND))
        vitals = {vital.writer_id: vital for vital in driver.open().vitals()}
        assert set(vitals) == {driver.worker.writer_id, driver.client.writer_id, worker}
        mine = vitals[worker]
        assert (mine.kind, mine.host, mine.pid, mine.lease, mine.ended) == ("worker", "there", 4712, 10 * SECOND, False)
        assert vitals[driver.client.writer_id].lease == 0

    def test_each_renewal_changes_the_beat(self, driver: Driver) -> None:
        """Even within one microsecond, and as any other process sees it."""
        worker = driver.store.enlist(Enlistment("worker", "there", 4712, 5, (driver.mail,), SECOND))
        other = driver.open()
        beats = [_of(other.vitals(), worker).beat]
        for _ in range(3):
            driver.store.renew(worker)
            beats.append(_of(other.vitals(), worker).beat)
        assert len(set(beats)) == 4

    def test_without_a_renewal_it_stays(self, driver: Driver) -> None:
        """Time and other work don't change it."""
        worker = driver.store.enlist(Enlistment("worker", "there", 4712, 5, (driver.mail,), SECOND))
        before = _of(driver.store.vitals(), worker)
        driver.clock.advance(60 * SECOND)
        driver.submit_many(3)
        driver.store.renew(driver.worker.writer_id)
        assert _of(driver.store.vitals(), worker) == before

    def test_a_renewal_takes_nobody_back(self, driver: Driver) -> None:
        """Who was taken over gives no sign any more; where it can be told of that, it is."""
        worker = driver.store.enlist(Enlistment("worker", "there", 4712, 5, (driver.mail,), SECOND))
        driver.store.take_over((worker,))
        with suppress(Fenced):
            driver.store.renew(worker)
        assert worker not in {vital.writer_id for vital in driver.open().vitals()}

    def test_who_is_gone_gives_no_sign(self, driver: Driver) -> None:
        """Taken over, or retired."""
        first, second = driver.enlist(), driver.enlist()
        driver.lose(first)
        driver.store.retire(second.writer_id)
        assert {vital.writer_id for vital in driver.store.vitals()} == {
            driver.worker.writer_id,
            driver.client.writer_id,
        }


def _of(vitals: tuple[Vital, ...], writer_id: int) -> Vital:
    (found,) = (vital for vital in vitals if vital.writer_id == writer_id)
    return found
