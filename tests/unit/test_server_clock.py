"""A server's time, as it is reckoned from answers that take a while."""

from __future__ import annotations

import pytest

from jobledger._store.postgres.clock import SLACK, ServerClock
from jobledger._types import SECOND


class Uptime:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def uptime() -> Uptime:
    return Uptime()


@pytest.fixture
def clock(uptime: Uptime) -> ServerClock:
    clock = ServerClock()
    clock._uptime = uptime
    return clock


def answered(clock: ServerClock, uptime: Uptime, took: float, ahead: int = 1_000_000) -> int:
    """Learn from an answer that was so long on its way; the server is ``ahead`` of this uptime."""
    asked = clock.here
    server = asked + ahead
    uptime.seconds += took
    return clock.learn(server, asked)


def behind(clock: ServerClock, uptime: Uptime, ahead: int = 1_000_000) -> int:
    return round(uptime.seconds * SECOND) + ahead - clock.now()


def test_a_slow_answer_does_not_set_it_back(clock: ServerClock, uptime: Uptime) -> None:
    """Else what one process does would seem to be earlier than what it follows in another."""
    answered(clock, uptime, 0.0002)
    answered(clock, uptime, 0.05)
    assert 0 <= behind(clock, uptime) < 250


def test_it_is_never_ahead_of_a_clock_that_drifts(clock: ServerClock, uptime: Uptime) -> None:
    """By an hour of 400 millionths, asked once a second, with answers of a millisecond."""
    ahead = 1_000_000
    for _ in range(3600):
        answered(clock, uptime, 0.001, ahead)
        assert 0 <= behind(clock, uptime, ahead) < 2_000
        uptime.seconds += 1
        ahead -= 400


def test_a_server_that_is_set_back_is_believed(clock: ServerClock, uptime: Uptime) -> None:
    """To stand still instead would stop every delay and every retry until its clock has caught up."""
    answered(clock, uptime, 0.0, 7200 * SECOND)
    uptime.seconds += 1
    ahead = 3600 * SECOND
    answered(clock, uptime, 0.0, ahead)
    assert behind(clock, uptime, ahead) == 0
    uptime.seconds += 10
    assert behind(clock, uptime, ahead) == 0


def test_an_answer_that_takes_long_sets_nothing_back(clock: ServerClock, uptime: Uptime) -> None:
    """As when this process is stopped before it has read it."""
    before = answered(clock, uptime, 0.0)
    uptime.seconds += 1
    assert answered(clock, uptime, 20.0) >= before + SECOND
    assert answered(clock, uptime, 0.0) >= before + 21 * SECOND


def test_a_little_less_than_was_reckoned_sets_nothing_back(clock: ServerClock, uptime: Uptime) -> None:
    """Clocks drift, and an answer may be a little slower than the one before."""
    before = answered(clock, uptime, 0.0)
    assert answered(clock, uptime, 0.0, 1_000_000 - SLACK // 2) >= before
