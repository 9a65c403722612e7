"""How fast jobs are accepted: each submit returns when its job is durable."""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import TYPE_CHECKING

from benchmarks.bench import fill, payloads
from benchmarks.measure import Benchmark, Line, Numbers, ratio

if TYPE_CHECKING:
    from benchmarks.bench import Bench
    from jobledger import App

ONE = "one by one"
AT_ONCE = "64 at once"
BATCHES = "batches of 1,000"
CALLERS = 64


async def once(bench: Bench) -> Numbers:
    app = bench.app()
    async with app:
        await app.declare("noop")
        numbers = {
            ONE: await _one_by_one(app, bench.size(600, 200)),
            AT_ONCE: await _at_once(app, bench.size(6400, 1280)),
            BATCHES: await _batches(app, bench.size(20_000, 5000)),
        }
        await bench.audit(app)
    return numbers


async def _one_by_one(app: App, number: int) -> float:
    began = perf_counter()
    for i in range(number):
        await app.jobs.submit("noop", {"i": i})
    return number / (perf_counter() - began)


async def _at_once(app: App, number: int) -> float:
    async def caller(first: int) -> None:
        for i in range(first, number, CALLERS):
            await app.jobs.submit("noop", {"i": i})

    began = perf_counter()
    await asyncio.gather(*(caller(first) for first in range(CALLERS)))
    return number / (perf_counter() - began)


async def _batches(app: App, number: int) -> float:
    jobs = payloads(number)
    began = perf_counter()
    await fill(app, "noop", jobs)
    return number / (perf_counter() - began)


BENCHMARK = Benchmark(
    "submit",
    "accepting jobs, each durable when its submit returns; no worker runs",
    (
        Line(ONE, "jobs/s"),
        Line(AT_ONCE, "jobs/s"),
        Line(BATCHES, "jobs/s"),
        ratio(AT_ONCE, ONE),
        ratio(BATCHES, ONE),
    ),
    once,
)
