"""How long an idle process takes from submit to the answer and to the handler's first line; and chains of jobs."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import TYPE_CHECKING

from benchmarks.bench import Tally
from benchmarks.measure import Benchmark, Line, Numbers, percentile, ratio
from benchmarks.raw import Raw
from jobledger import Context

if TYPE_CHECKING:
    from benchmarks.bench import Bench
    from jobledger import App

PAUSE = 0.012
STARTED_P50 = "submit to handler started, p50"
STARTED_P99 = "submit to handler started, p99"
ANSWERED_P50 = "submit to its answer, p50"
ANSWERED_P99 = "submit to its answer, p99"
BARE_P50 = "bare: to a thread, commit one row, back, p50"
BARE_P99 = "bare: to a thread, commit one row, back, p99"
WAITED = "submit, wait for the result, next"
CHAINED = "each job submits the next"


async def once(bench: Bench) -> Numbers:
    return await _idle(bench, bench.size(160, 60)) | await _chains(bench, bench.size(300, 100))


async def _idle(bench: Bench, samples: int) -> Numbers:
    app, started, at = bench.app(), asyncio.Event(), [0.0]

    @app.job("noop")
    async def noop(i: int = 0) -> int:
        at[0] = perf_counter()
        started.set()
        return i

    answers, starts, bare = list[float](), list[float](), list[float]()
    with ThreadPoolExecutor(1) as thread:
        loop = asyncio.get_running_loop()
        raw = await loop.run_in_executor(thread, Raw, bench.path())
        async with app.worker():
            for i in range(samples):
                await asyncio.sleep(PAUSE)
                began = perf_counter()
                await loop.run_in_executor(thread, raw.insert)
                bare.append((perf_counter() - began) * 1000)
                await asyncio.sleep(PAUSE)
                started.clear()
                began = perf_counter()
                await app.jobs.submit("noop", {"i": i})
                answers.append((perf_counter() - began) * 1000)
                await started.wait()
                starts.append((at[0] - began) * 1000)
            await bench.audit(app)
        await loop.run_in_executor(thread, raw.close)
    return {
        STARTED_P50: percentile(starts, 0.5),
        STARTED_P99: percentile(starts, 0.99),
        ANSWERED_P50: percentile(answers, 0.5),
        ANSWERED_P99: percentile(answers, 0.99),
        BARE_P50: percentile(bare, 0.5),
        BARE_P99: percentile(bare, 0.99),
    }


async def _chains(bench: Bench, links: int) -> Numbers:
    app, tally = bench.app(), Tally(links)

    @app.job("noop")
    async def noop(i: int = 0) -> int:
        return i

    @app.job("link")
    async def link(ctx: Context, *, left: int) -> None:
        if left:
            ctx.submit("link", {"left": left - 1})
        tally.hit()

    async with app.worker():
        waited = await _waited(app, links)
        began = perf_counter()
        await app.jobs.submit("link", {"left": links - 1})
        await tally.enough.wait()
        chained = perf_counter() - began
    async with app:
        await bench.audit(app)
    return {WAITED: waited / links * 1000, CHAINED: chained / links * 1000}


async def _waited(app: App, links: int) -> float:
    began = perf_counter()
    for i in range(links):
        job_id = await app.jobs.submit("noop", {"i": i})
        assert await app.jobs.result(job_id, wait=10) == i
    return perf_counter() - began


BENCHMARK = Benchmark(
    "latency",
    f"one job at a time, the process idle for {PAUSE * 1000:.0f} ms before each; chains without a pause",
    (
        Line(STARTED_P50, "ms"),
        Line(STARTED_P99, "ms"),
        Line(ANSWERED_P50, "ms"),
        Line(ANSWERED_P99, "ms"),
        Line(BARE_P50, "ms"),
        Line(BARE_P99, "ms"),
        ratio(STARTED_P50, BARE_P50, "submit to handler started : bare, p50"),
        Line(WAITED, "ms/job"),
        Line(CHAINED, "ms/job"),
    ),
    once,
)
