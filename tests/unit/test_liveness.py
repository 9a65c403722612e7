"""The lease is renewed while the loop runs, and doubt is said after a silence."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

import pytest

from jobledger._runtime.liveness import Liveness
from jobledger.errors import Fenced


@dataclass
class World:
    at: float = 0.0
    stalled: float = 0.0
    broken: bool = False
    fenced: bool = False
    renewals: list[float] = field(default_factory=list)
    doubts: list[float] = field(default_factory=list)

    def renew(self) -> None:
        if self.broken:
            raise OSError("no such device")  # the system's own words
        if self.fenced:
            raise Fenced(7)
        self.renewals.append(self.at)

    def pass_time(self, liveness: Liveness, seconds: float, steps: int = 1) -> None:
        for _ in range(steps):
            self.at += seconds
            liveness.step()


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def liveness(world: World) -> Liveness:
    return Liveness(world.renew, 10, lambda: world.stalled, lambda: world.doubts.append(world.at), lambda: world.at)


def test_it_renews_at_each_step(world: World, liveness: Liveness) -> None:
    world.pass_time(liveness, 2.5, steps=4)
    assert (world.renewals, world.doubts) == ([2.5, 5.0, 7.5, 10.0], [])


def test_after_a_silence_of_a_lease_it_doubts_once(world: World, liveness: Liveness) -> None:
    """The process was stopped: others may have taken over."""
    world.pass_time(liveness, 2.5)
    world.pass_time(liveness, 11)
    world.pass_time(liveness, 2.5, steps=3)
    assert world.doubts == [13.5]


def test_who_hears_that_others_have_taken_over_doubts_at_once(world: World, liveness: Liveness) -> None:
    """An idle worker makes no batch that would tell it."""
    world.fenced = True
    world.pass_time(liveness, 2.5)
    assert world.doubts == [2.5]


def test_a_busy_loop_keeps_its_lease(world: World, liveness: Liveness) -> None:
    world.stalled = 59
    world.pass_time(liveness, 2.5)
    assert world.renewals == [2.5]


def test_a_wedged_loop_loses_its_lease(world: World, liveness: Liveness, caplog: pytest.LogCaptureFixture) -> None:
    """It is said once, and when the loop runs again, so does the lease."""
    world.stalled = 61
    with caplog.at_level(logging.ERROR):
        world.pass_time(liveness, 2.5, steps=8)
    assert (world.renewals, world.doubts, len(caplog.records)) == ([], [], 1)
    assert "the event loop has not run for 60 s" in caplog.text
    world.stalled = 0
    world.pass_time(liveness, 2.5)
    assert (world.renewals, world.doubts) == ([22.5], [22.5])


def test_what_can_not_be_renewed_is_said_once_and_tried_again(
    world: World, liveness: Liveness, caplog: pytest.LogCaptureFixture
) -> None:
    world.broken = True
    with caplog.at_level(logging.ERROR):
        world.pass_time(liveness, 2.5, steps=3)
    assert len(caplog.records) == 1
    assert "others will take these jobs over: no such device" in caplog.text
    world.broken = False
    world.pass_time(liveness, 2.5)
    assert (world.renewals, world.doubts) == ([10.0], [])


def test_a_lease_lapses_when_no_renewal_came_through_for_nine_tenths_of_it(world: World, liveness: Liveness) -> None:
    world.pass_time(liveness, 2.5)
    world.broken = True
    world.pass_time(liveness, 2.25, steps=4)
    assert not liveness.has_lapsed()
    world.pass_time(liveness, 0.1)
    assert liveness.has_lapsed(), "code gets the last tenth to stop"
    world.broken = False
    world.pass_time(liveness, 0.1)
    assert not liveness.has_lapsed()


def test_a_renewal_counts_from_before_it_was_sent(world: World) -> None:
    """On a slow way it was seen by others long before its answer is here."""

    def slowly() -> None:
        world.at += 8

    liveness = Liveness(slowly, 10, lambda: 0, lambda: None, lambda: world.at)
    liveness.step()
    world.at += 3
    assert liveness.has_lapsed()
    liveness.begin()
    assert not liveness.has_lapsed()


def test_a_wedged_loop_finds_its_lease_lapsed(world: World, liveness: Liveness) -> None:
    world.stalled = 61
    world.pass_time(liveness, 2.5, steps=5)
    assert liveness.has_lapsed()
