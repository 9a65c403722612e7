"""A worker is killed with `kill -9`: the server knows, and its jobs run elsewhere long before its lease is over.

A hundred kills, with figures: ``benchmarks/kill_restart.py --url``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import pytest

from jobledger import App
from jobledger._store.postgres import vitality
from jobledger._store.postgres.vitality import Vitality
from jobledger._types import SECOND
from tests.faults.freezer import Freezer
from tests.faults.postgres.conftest import known, paused
from tests.waiting import until

pytestmark = pytest.mark.timeout(120)
LEASE = 60.0
FOREVER = 600_000
JOBS = 6
BAR = 5.0


@pytest.mark.parametrize("kills", [pytest.param(1, id="one"), pytest.param(5, id="five", marks=pytest.mark.slow)])
async def test_its_jobs_run_elsewhere(
    new_app: Callable[[], App], new_freezer: Callable[..., Freezer], kills: int, figure: Callable[[str], None]
) -> None:
    """A minute before its lease is over; server and taker are older than ten seconds by then."""
    async with new_app() as app:
        freezer = new_freezer(workers=2, lease=LEASE)
        await until(lambda: known(app, "long"), "a worker has declared its types", timeout=30)
        for kill in range(kills):
            began = len(freezer.started)
            for item in range(JOBS):
                await app.jobs.submit("long", {"ticket": kill, "item": item, "ms": FOREVER})
            await until(partial(have_started, freezer, began + JOBS), "all run", timeout=30)
            await paused(vitality.OLD_SECONDS)
            took = await killed(freezer)
            figure(f"started elsewhere after {min(took):.2f} to {max(took):.2f} s")
            assert max(took) < BAR


def have_started(freezer: Freezer, number: int) -> bool:
    return len(freezer.started) == number


async def killed(freezer: Freezer) -> list[float]:
    """Kill who has most, start it again: seconds until each of its jobs has been started elsewhere."""
    ended = {(line.job, line.run) for line in freezer.ended}
    victim = freezer.busiest()
    held = {
        line.job: line.run for line in freezer.started if line.pid == victim.pid and (line.job, line.run) not in ended
    }
    at = time.monotonic_ns()
    freezer.replace(victim)
    await until(
        lambda: held.keys() <= {line.job for line in freezer.started if line.run == 2},
        "its jobs run elsewhere",
        timeout=20,
    )
    return [(line.at - at) / 1e9 for line in freezer.started if line.job in held and line.run == held[line.job] + 1]


def test_evidence_needs_a_server_and_a_taker_that_are_older_than_the_loss() -> None:
    """After a restart everybody's connections are gone, and nobody is dead."""
    assert not ended(server_age=vitality.OLD_SECONDS - 1, taker_age=vitality.OLD_SECONDS + 1)
    assert not ended(server_age=vitality.OLD_SECONDS + 1, taker_age=vitality.OLD_SECONDS - 1)
    assert ended(server_age=vitality.OLD_SECONDS + 1, taker_age=vitality.OLD_SECONDS + 1)


def test_who_comes_back_in_time_is_not_dead() -> None:
    """Its connection was gone at one look, and at the next one it has another."""
    looks = Vitality()
    connected = time.monotonic() - 2 * vitality.OLD_SECONDS
    assert not looks.read([row(backend=1)], connected)[0].ended
    looks._gone[1] = (1, time.monotonic() - 2 * vitality.BACK_SECONDS)
    assert not looks.read([row(backend=2)], connected)[0].ended


def ended(server_age: float, taker_age: float) -> bool:
    """Whether a worker counts as dead whose connection has been gone for two looks."""
    looks = Vitality()
    connected = time.monotonic() - taker_age
    looks.read([row(server_age=server_age)], connected)
    looks._gone = {key: (backend, since - 2 * vitality.BACK_SECONDS) for key, (backend, since) in looks._gone.items()}
    return looks.read([row(server_age=server_age)], connected)[0].ended


def row(*, server_age: float = 3600.0, backend: int = 1) -> tuple[object, ...]:
    """One worker whose lease connection is gone."""
    return (1, "worker", "host", 7, 10 * SECOND, 3, False, True, server_age, 0, 0, backend)
