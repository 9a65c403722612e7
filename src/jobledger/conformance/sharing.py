"""Weighted priorities: 4 : 3 : 2 : 1 while all wait, and nobody starves."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import TYPE_CHECKING

import pytest

from jobledger._core.priority import WEIGHTS, Priority

if TYPE_CHECKING:
    from jobledger.conformance.driver import Driver


class TestSharing:
    """Shares are of starts, over time, however many slots are free at once."""

    @pytest.mark.parametrize("most", [1, 7, 100], ids=lambda most: f"up to {most} slots")
    def test_ten_thousand_starts_within_two_percent_of_the_weights(self, driver: Driver, most: int) -> None:
        """With all four backlogged, each priority gets its share to 2 %."""
        total = 10_000 if most > 1 else 2_000
        for priority, weight in zip(Priority, WEIGHTS, strict=True):
            driver.submit_many(total * weight // 10 + 200, priority=priority)
        rng = Random(most)
        started: Counter[int] = Counter()
        while (left := total - started.total()) > 0:
            started.update(job.priority for job in driver.start(min(rng.randint(1, most), left)))
        for priority, weight in zip(Priority, WEIGHTS, strict=True):
            share = total * weight / 10
            assert abs(started[priority] - share) <= share * 0.02

    @pytest.mark.parametrize(
        "crowd", [2_000, pytest.param(100_000, marks=[pytest.mark.slow, pytest.mark.timeout(600)])]
    )
    def test_a_low_job_behind_a_crowd_of_critical_ones_starts_within_its_share(
        self, driver: Driver, crowd: int
    ) -> None:
        """Its share while two wait is 1 of 5: it is among the next ten starts."""
        for _ in range(crowd // 2_000):
            driver.submit_many(2_000, priority=Priority.CRITICAL)
        driver.start(50)
        low = driver.submit(priority=Priority.LOW)
        assert low in [driver.start_one().id for _ in range(10)]

    def test_an_unused_quota_flows_on(self, driver: Driver) -> None:
        """A priority alone gets every slot."""
        driver.submit_many(50, priority=Priority.LOW)
        assert len(driver.start(50)) == 50

    def test_what_a_short_queue_leaves_flows_on(self, driver: Driver) -> None:
        """In the same claim."""
        driver.submit_many(2, priority=Priority.CRITICAL)
        driver.submit_many(50, priority=Priority.LOW)
        started = Counter(job.priority for job in driver.start(40))
        assert started == {Priority.CRITICAL: 2, Priority.LOW: 38}

    def test_idling_earns_no_credit(self, driver: Driver) -> None:
        """Who comes back gets its share, not what it missed."""
        driver.submit_many(1_000, priority=Priority.CRITICAL)
        for _ in range(40):
            driver.start(10)
        driver.submit_many(100, priority=Priority.LOW)
        started = Counter(job.priority for _ in range(50) for job in driver.start(1))
        assert started[Priority.LOW] <= 11
        assert started[Priority.CRITICAL] >= 39

    def test_two_that_wait_share_by_their_weights(self, driver: Driver) -> None:
        """High and low alone: 3 to 1."""
        driver.submit_many(200, priority=Priority.HIGH)
        driver.submit_many(200, priority=Priority.LOW)
        started = Counter(job.priority for _ in range(100) for job in driver.start(1))
        assert abs(started[Priority.HIGH] - 75) <= 2
