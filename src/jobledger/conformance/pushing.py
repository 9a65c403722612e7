"""Whose turn it is to push the metrics, and which store they are of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobledger._types import SECOND
from jobledger.conformance.factory import FakeClock

if TYPE_CHECKING:
    from jobledger.conformance.driver import Driver

_MINUTE = 60 * SECOND


class TestTurns:
    """One writer gets the push of an interval."""

    def test_the_first_to_ask_gets_it(self, driver: Driver) -> None:
        """And nobody else, from whatever process."""
        driver.clock.advance(_MINUTE - driver.clock.at % _MINUTE + 7 * SECOND)
        first, second = driver.worker.writer_id, driver.enlist().writer_id
        turn = driver.store.take_turn(first, _MINUTE)
        assert turn.mine
        assert (turn.now - turn.begin, turn.end - turn.now) == (7 * SECOND, 53 * SECOND)
        assert not driver.store.take_turn(second, _MINUTE).mine
        assert not driver.open().take_turn(driver.client.writer_id, _MINUTE).mine

    def test_he_gets_it_again(self, driver: Driver) -> None:
        """The answer may have been lost."""
        turns = [driver.store.take_turn(driver.worker.writer_id, _MINUTE) for _ in range(3)]
        assert [turn.mine for turn in turns] == [True] * 3
        assert len({turn.begin for turn in turns}) == 1

    def test_each_interval_is_another_one(self, driver: Driver) -> None:
        """Whoever had the last one, and whether or not it was used."""
        writers = [driver.enlist().writer_id for _ in range(3)]
        for first in (0, 0, 2, 1):
            asked = [*writers[first:], *writers[:first]]
            assert [driver.store.take_turn(writer, _MINUTE).mine for writer in asked] == [True, False, False]
            driver.clock.advance(_MINUTE)

    def test_the_dead_get_none(self, driver: Driver) -> None:
        """Nor what was never a writer; a turn that a dead writer has left unused is not given to another one."""
        dead = driver.enlist()
        driver.store.take_over((dead.writer_id,))
        assert not driver.store.take_turn(dead.writer_id, _MINUTE).mine
        assert not driver.store.take_turn(10_000, _MINUTE).mine
        assert driver.store.take_turn(driver.worker.writer_id, _MINUTE).mine
        driver.clock.advance(_MINUTE)
        dying = driver.enlist()
        assert driver.store.take_turn(dying.writer_id, _MINUTE).mine
        driver.store.take_over((dying.writer_id,))
        assert not driver.store.take_turn(dying.writer_id, _MINUTE).mine
        assert not driver.store.take_turn(driver.worker.writer_id, _MINUTE).mine

    def test_clocks_that_differ_a_little(self, driver: Driver) -> None:
        """Who is behind takes nothing back from those for whom the next interval has begun."""
        driver.clock.advance(_MINUTE - driver.clock.at % _MINUTE)
        first, late, third = (driver.enlist().writer_id for _ in range(3))
        behind = driver.factory(FakeClock(driver.clock.at - 1))
        assert driver.store.take_turn(first, _MINUTE).mine
        assert not behind.take_turn(late, _MINUTE).mine
        assert not driver.store.take_turn(third, _MINUTE).mine
        behind.close()

    def test_a_clock_that_was_set_back(self, driver: Driver) -> None:
        """It must not take the time that it was ahead until somebody gets a turn again."""
        assert driver.store.take_turn(driver.worker.writer_id, _MINUTE).mine
        other, turns = driver.enlist().writer_id, 0
        clock = FakeClock(driver.clock.at - 60 * _MINUTE)
        after = driver.factory(clock)
        for _ in range(5):
            clock.advance(_MINUTE)
            turns += after.take_turn(other, _MINUTE).mine
        after.close()
        assert turns

    def test_other_lengths(self, driver: Driver) -> None:
        """While workers with another interval are rolled out, and when they are taken back."""
        driver.clock.advance(_MINUTE - driver.clock.at % _MINUTE)
        old, new = driver.worker.writer_id, driver.enlist().writer_id
        taken = 0
        for step in range(12):
            taken += step % 6 == 0 and driver.store.take_turn(old, _MINUTE).mine
            taken += driver.store.take_turn(new, 10 * SECOND).mine
            driver.clock.advance(10 * SECOND)
        assert taken == 12
        assert driver.store.take_turn(old, _MINUTE).mine


class TestIdentity:
    """Which store a reading is of."""

    def test_it_is_the_same_for_all_and_for_ever(self, driver: Driver) -> None:
        """However a store is opened, and whatever is done to it."""
        before = driver.store.ledger()
        driver.submit()
        driver.settle(driver.start_one())
        driver.clock.advance(_MINUTE)
        after = driver.open().ledger()
        assert before.store_id
        assert before.began_at
        assert (after.store_id, after.began_at) == (before.store_id, before.began_at)
