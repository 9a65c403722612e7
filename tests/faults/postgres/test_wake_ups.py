"""What another process submits starts by a notification, and without any by the poll alone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

import pytest

from jobledger import App, Cancelled
from jobledger._config import POLL_SECONDS
from jobledger._runtime import node
from jobledger._store.hint import types_of, word_of
from jobledger._store.postgres import store, wake
from jobledger._store.postgres.target import Target
from jobledger._store.postgres.wake import Side
from tests.faults.postgres.conftest import paused
from tests.own_postgres.rows import connected
from tests.waiting import until

HOUR = 3600.0
SAMPLES = 40
GAP = 0.02


class Crew:
    """A worker that idles, and a client that is another process to it: each has connections of its own."""

    def __init__(self, new_app: Callable[[], App]) -> None:
        self.worker = new_app()
        self.client = new_app()
        self._started: dict[int, float] = {}

        @self.worker.job("work")
        async def work(*, n: int) -> int:
            self._started[n] = time.perf_counter()
            return n

        @self.worker.job("endless")
        async def endless() -> None:
            self._started[-1] = time.perf_counter()
            await asyncio.Event().wait()

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        async with self.worker.worker(), self.client:
            yield

    async def took(self, samples: int) -> list[float]:
        """From before each submit to the handler's first line, in order of size."""
        began = list[float]()
        for n in range(samples):
            await paused(GAP + n % 7 * 0.01)
            began.append(time.perf_counter())
            await self.client.jobs.submit("work", {"n": n})
            await until(partial(self._started.__contains__, n), "it has started")
        return sorted(self._started[n] - at for n, at in enumerate(began))

    async def cancelled(self) -> bool:
        """A running job, from the other process."""
        job_id = await self.client.jobs.submit("endless")
        await until(lambda: -1 in self._started, "it has started")
        return isinstance(await self.client.jobs.cancel(job_id, wait=10), Cancelled)


@pytest.fixture
def crew(new_app: Callable[[], App]) -> Crew:
    return Crew(new_app)


async def test_idle_dispatch(crew: Crew, monkeypatch: pytest.MonkeyPatch, figure: Callable[[str], None]) -> None:
    """Without a poll that could help. How fast it is on a quiet machine is measured by the benchmark `across`."""
    monkeypatch.setattr(node, "POLL_SECONDS", HOUR)
    async with crew.at_work():
        took = await crew.took(SAMPLES)
        assert await crew.cancelled()
    figure(f"p50 {took[SAMPLES // 2] * 1000:.1f} ms, p95 {took[SAMPLES * 95 // 100] * 1000:.1f} ms")
    assert took[SAMPLES // 2] < POLL_SECONDS / 2


async def test_all_notifications_are_dropped(
    crew: Crew, monkeypatch: pytest.MonkeyPatch, figure: Callable[[str], None]
) -> None:
    """Latency is the poll's interval, and nothing else changes."""
    monkeypatch.setattr(Side, "ring", lambda *_: None)
    monkeypatch.setattr(store, "APART_SECONDS", HOUR * 1e6)
    async with crew.at_work():
        took = await crew.took(SAMPLES // 2)
        assert await crew.cancelled()
        assert (await crew.client.metrics.audit()).balanced
    figure(f"p50 {took[len(took) // 2] * 1000:.0f} ms, max {took[-1] * 1000:.0f} ms")
    assert took[len(took) // 2] < 2 * POLL_SECONDS


async def test_a_storm_of_commits_rings_a_hundred_times_a_second_at_most(url: str) -> None:
    """Notifying commits queue up behind each other, in the whole cluster."""
    heard = list[float]()
    side = Side(Target.of(url), None)
    async with connected(url) as listener:
        await listener.add_listener("jobledger", lambda *_: heard.append(time.perf_counter()))
        began = time.perf_counter()
        while time.perf_counter() - began < 0.5:
            for _ in range(100):
                side.ring()
            await paused(0)
        took = time.perf_counter() - began
        await until(lambda: heard, "some are heard")
        await asyncio.to_thread(side.close)
    assert 1 < len(heard) <= took / wake.APART_SECONDS + 2


@pytest.mark.parametrize("types", [frozenset(), frozenset({7}), frozenset({1, 20, 300})], ids=str)
def test_a_notification_names_types(types: frozenset[int]) -> None:
    assert types_of(word_of(types)) == types


def test_a_word_of_somebody_else_means_any_type() -> None:
    assert types_of("x,1") == types_of("") == types_of(word_of(frozenset(range(1000)))) == frozenset()
