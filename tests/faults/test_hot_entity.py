"""One entity has a mailbox full of jobs: it starves nobody, and takes no more than one place.

That memory does not grow with it: tests/faults/test_bounded_memory.py.
"""

from __future__ import annotations

import asyncio

import pytest

from jobledger import App
from tests.both_stores import url
from tests.waiting import until

__all__ = ["url"]
DEEP = [pytest.param(1_000, id="deep"), pytest.param(100_000, id="deepest", marks=pytest.mark.slow)]
OTHERS = 30
CHUNK = 10_000


@pytest.mark.timeout(300)
@pytest.mark.parametrize("depth", DEEP)
async def test_the_others_do_not_wait_for_it(app: App, depth: int) -> None:
    gate, ran = asyncio.Event(), list[int]()

    @app.job("hot", priority="critical")
    async def hot(*, n: int) -> None:
        ran.append(n)
        await gate.wait()

    @app.job("other", priority="low")
    async def other() -> None:
        pass

    async with app.worker(slots=2, threads=0):
        for first in range(0, depth, CHUNK):
            items = [{"n": n} for n in range(first, min(first + CHUNK, depth))]
            await app.jobs.submit("hot", items, entity="hot")
        await until(lambda: ran, "its first job runs")
        others = await app.jobs.submit("other", [{}] * OTHERS)
        others.append(await other.options(entity="cold").submit())
        for job_id in others:
            await app.jobs.result(job_id, wait=60)
        assert ran == [0]
        assert await app.metrics.jobs.queue_depth.read(type="hot") == depth - 1
        gate.set()
        await until(lambda: len(ran) > OTHERS, "its own jobs go on, one after the other", timeout=60)
        assert ran == [*range(len(ran))]
