"""Measures one system once, inside the peers' environment: ``python -m benchmarks.peers.driver MODULE VARIANT …``.

Its last line of output is JSON. What it does is the same for all: a batch is submitted and drained by workers, jobs are
submitted one by one without workers, and then the workers, started again, wait for single jobs.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import importlib.metadata
import json
import platform
import random
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from benchmarks.measure import percentile
from benchmarks.peers import measures
from benchmarks.peers.contract import Peer
from benchmarks.peers.marks import Marks
from benchmarks.peers.wear import Meter
from benchmarks.peers.workers import Workers

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from benchmarks.measure import Numbers

CHUNK = 1000
GAPS = (0.01, 0.09)
"""Seconds between two submits to idle workers, at random."""
PATIENCE = 60.0
TICK = 0.005
SETTLE_SECONDS = 1.0


class Run:
    """One system, one store, from empty to the last job."""

    def __init__(self, peer: Peer, asked: argparse.Namespace) -> None:
        self._peer = peer
        self._asked = asked
        self._marks = Marks()
        self._submitted = 0
        self._numbers: Numbers = {}

    async def measured(self) -> Numbers:
        await self._peer.prepare()
        if self._peer.store.startswith("postgresql:"):
            await self._weighed(Meter(self._peer.store))
        else:
            await self._fill()
            await self._drain()
        await self._one_by_one()
        return self._numbers

    async def _weighed(self, meter: Meter) -> None:
        """What jobs leave behind from submit to completion, without what the statistics of the planner cost."""
        await meter.checkpoint()
        start = await meter.wear()
        await self._fill()
        full = await meter.wear()
        await meter.analyze()
        analyzed = await meter.wear()
        await self._drain()
        worn, jobs = (await meter.wear()).minus(start), self._asked.jobs
        self._numbers |= {
            measures.LOG.name: (worn.log - analyzed.minus(full).log) / jobs,
            measures.MADE.name: worn.made / jobs,
            measures.LEFT.name: worn.left / jobs,
        }

    async def _fill(self) -> None:
        async with _opened(self._peer):
            began = perf_counter()
            for first in range(0, self._asked.jobs, CHUNK):
                await self._peer.submit_many(range(first, min(first + CHUNK, self._asked.jobs)))
            if self._peer.batches:
                self._numbers[measures.BATCH.name] = self._asked.jobs / (perf_counter() - began)
        self._submitted = self._asked.jobs

    async def _drain(self) -> None:
        """Counted from a third of the queue: by then all workers have started."""
        async with _opened(self._peer):
            with self._workers() as workers:
                first, at = await self._run_until(workers, self._submitted // 3)
                await self._finished(workers)
                self._numbers[measures.DRAIN.name] = (self._submitted - first) / (perf_counter() - at)
                await asyncio.sleep(SETTLE_SECONDS)
                memory = workers.memory()
                self._numbers |= {measures.RSS.name: memory.rss, measures.PSS.name: memory.pss}

    async def _one_by_one(self) -> None:
        """Submits without workers; then to workers that have nothing else to do."""
        async with _opened(self._peer):
            began = perf_counter()
            for _ in range(self._asked.submits):
                await self._next()
            self._numbers[measures.SUBMIT.name] = self._asked.submits / (perf_counter() - began)
            with self._workers() as workers:
                await self._finished(workers)
                await asyncio.sleep(SETTLE_SECONDS)
                chance, began_at = random.Random(self._asked.samples), dict[int, int]()
                for _ in range(self._asked.samples):
                    await asyncio.sleep(chance.uniform(*GAPS))
                    began_at[self._submitted] = time.monotonic_ns()
                    await self._next()
                await self._finished(workers)
            await self._peer.check()
        times = self._marks.times()
        assert len(times) == self._submitted, f"{self._submitted - len(times)} jobs never ran"
        waits = [(times[number] - at) / 1e6 for number, at in began_at.items()]
        self._numbers |= {measures.P50.name: percentile(waits, 0.5), measures.P99.name: percentile(waits, 0.99)}

    async def _next(self) -> None:
        await self._peer.submit(self._submitted)
        self._submitted += 1

    def _workers(self) -> Workers:
        return Workers(self._peer.commands(), self._asked.log)

    async def _finished(self, workers: Workers) -> None:
        """Until every handler has run and every result is in the store, which is asked only then: that costs it."""
        await self._run_until(workers, self._submitted)

        async def nothing_left() -> bool:
            return await self._peer.left() == 0

        await _until(nothing_left, workers)

    async def _run_until(self, workers: Workers, jobs: int) -> tuple[int, float]:
        """Until so many handlers have run: how many those are, and when that was."""

        async def enough() -> bool:
            return self._marks.count() >= jobs

        await _until(enough, workers)
        return self._marks.count(), perf_counter()


async def _until(holds: Callable[[], Awaitable[bool]], workers: Workers) -> None:
    deadline = perf_counter() + PATIENCE
    while not await holds():
        workers.check()
        if perf_counter() > deadline:
            raise TimeoutError(f"not done within {PATIENCE:.0f} s: {workers.last_words()}")
        await asyncio.sleep(TICK)


@asynccontextmanager
async def _opened(peer: Peer) -> AsyncGenerator[None]:
    await peer.open()
    try:
        yield
    finally:
        await peer.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("module")
    parser.add_argument("variant")
    parser.add_argument("--distribution", required=True)
    parser.add_argument("--jobs", type=int, required=True, help="in the full queue")
    parser.add_argument("--submits", type=int, required=True, help="one by one")
    parser.add_argument("--samples", type=int, required=True, help="to idle workers")
    parser.add_argument("--log", type=Path, required=True, help="what workers print")
    asked = parser.parse_args()
    peer = importlib.import_module(f"benchmarks.peers.systems.{asked.module}").System(asked.variant)
    assert isinstance(peer, Peer)
    numbers = asyncio.run(Run(peer, asked).measured())
    version = importlib.metadata.version(asked.distribution)
    print(json.dumps({"version": version, "python": platform.python_version(), "numbers": numbers}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
