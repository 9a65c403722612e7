"""Connections are cut at any moment: nothing that was answered is lost, and nothing is there twice."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable

import pytest

from jobledger import App
from tests.faults.postgres.conftest import paused
from tests.faults.postgres.load import Load
from tests.faults.postgres.proxy import Fate, Proxy
from tests.waiting import until

SEEDS = [*range(2), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 30))]
CUT = (Fate.BEFORE, Fate.AFTER, Fate.LATE)
SECONDS = 1.0
SHARE = 0.06


@pytest.fixture
async def proxy(url: str) -> AsyncIterator[Proxy]:
    async with Proxy(url) as proxy:
        yield proxy


def working(url: str) -> tuple[App, list[int]]:
    """A worker, and the numbers of what has run."""
    app, runs = App(url), list[int]()

    @app.job("work")
    async def work(*, item: int) -> int:
        runs.append(item)
        return item

    return app, runs


@pytest.mark.timeout(150)
@pytest.mark.parametrize("seed", SEEDS)
async def test_writers_are_cut_off_at_random(proxy: Proxy, url: str, seed: int, figure: Callable[[str], None]) -> None:
    """Before what they sent arrives, after it, or it arrives when they have already asked what came of it."""
    chance = random.Random(seed)
    app, runs = working(proxy.url)
    async with App(url) as judge, app.worker(), App(proxy.url) as client:
        proxy.fate = lambda name: (
            chance.choice(CUT) if b"jobledger writer" in name and chance.random() < SHARE else Fate.ARRIVES
        )
        async with Load(client, "work") as load:
            await paused(SECONDS)
            await until(lambda: all(proxy.fates[cut] >= 2 for cut in CUT), "it has been cut in all ways", timeout=60)
            await load.goes_on()
            proxy.fate = lambda _: Fate.ARRIVES
        await load.settled(judge)
        await until(lambda: quiet(judge), "nothing runs any more")
        there = len(load.acknowledged) + len(load.unknown)
        assert len(load.acknowledged) <= await judge.metrics.jobs.enqueued.read() <= there
        assert await judge.metrics.jobs.completions.read() == await judge.metrics.jobs.enqueued.read()
    cuts = ", ".join(f"{fate.name.lower()} {proxy.fates[fate]}" for fate in CUT)
    figure(
        f"{cuts}; acknowledged {len(load.acknowledged)}, refused {len(load.refused)}, unknown {len(load.unknown)}, "
        f"started {len(runs)}"
    )


async def quiet(app: App) -> bool:
    jobs = app.metrics.jobs
    return not any([await jobs.running.read(), await jobs.queue_depth.read()])


@pytest.mark.parametrize("cut", CUT, ids=lambda cut: cut.name.lower())
@pytest.mark.parametrize("place", [0, 3, *range(8, 13)])
async def test_coming_and_leaving_bear_a_cut(proxy: Proxy, url: str, cut: Fate, place: int) -> None:
    """Wherever it falls: declaring types and retiring a writer are done again if their answer is lost."""
    client = App(proxy.url)

    def cut_at(place: int) -> None:
        left = iter([Fate.ARRIVES] * place + [cut])
        proxy.fate = lambda name: next(left, Fate.ARRIVES) if b"jobledger writer" in name else Fate.ARRIVES

    async with App(url) as judge:
        async with client:
            cut_at(place)
            await client.declare("work")
            await client.jobs.submit("work")
            cut_at(place)
        assert await judge.metrics.jobs.enqueued.read(type="work") == 1


async def test_all_connections_are_reset_at_once(proxy: Proxy, url: str) -> None:
    app, runs = working(proxy.url)
    async with App(url) as judge, app.worker(), App(proxy.url) as client:
        async with Load(client, "work") as load:
            for _ in range(5):
                await load.goes_on()
                proxy.reset()
        await load.settled(judge)
    assert set(runs) >= set(load.acknowledged)


async def test_a_way_that_stalls(proxy: Proxy, url: str, figure: Callable[[str], None]) -> None:
    """Longer than the lease: the worker stops by itself, another one has its job, and both go on when it is healed."""
    app, others = App(proxy.url), App(url)
    stopped, elsewhere = list[float](), list[float]()
    gate = asyncio.Event()

    @app.job("work")
    async def work() -> str:
        try:
            await gate.wait()
        except asyncio.CancelledError:
            stopped.append(time.monotonic())
            raise
        return "here"

    @others.job("work")
    async def other() -> str:
        elsewhere.append(time.monotonic())
        return "elsewhere"

    lease = 1.5
    async with app.worker(lease=lease):
        job_id = await app.jobs.submit("work")
        await until(lambda: running(app), "it runs")
        async with others.worker(lease=lease):
            before = app._opened_door().writer_id
            stalled = time.monotonic()
            proxy.stall()
            assert await others.jobs.result(job_id, wait=20) == "elsewhere"
            await until(lambda: stopped, "it has been stopped here")
            figure(
                f"stopped here after {stopped[0] - stalled:.2f} s, started there after {elsewhere[0] - stalled:.2f} s"
            )
            assert stopped[0] < elsewhere[0], "it ran twice at a time"
            proxy.proceed()
            await until(lambda: app._opened_door().writer_id not in {before, None}, "it is back", timeout=20)
        gate.set()
        assert await app.jobs.result(await app.jobs.submit("work"), wait=20) == "here"
        assert await app.metrics.jobs.lost.read() == 1


async def running(app: App) -> bool:
    return bool(await app.metrics.jobs.running.read())
