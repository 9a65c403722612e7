"""What reading the books costs, with 10 types in 4 priorities, and that it doesn't grow with the number of jobs."""

from __future__ import annotations

import statistics
from time import perf_counter
from typing import TYPE_CHECKING

from benchmarks.bench import Tally, fill, payloads
from benchmarks.measure import Benchmark, Line, Numbers, ratio

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from benchmarks.bench import Bench
    from jobledger import App

TYPES = 10
REPEATS = 10
PRIORITIES = ("critical", "high", "normal", "low")
READ, READ_MORE = "read the ledger", "read the ledger, 20 times the jobs"
TEXT, TEXT_MORE = "Prometheus text", "Prometheus text, 20 times the jobs"
SIZE = "size of the text"


async def once(bench: Bench) -> Numbers:
    jobs = bench.size(2000, 800)
    app, tally = bench.app(), Tally(jobs)

    async def noop(i: int = 0) -> int:
        tally.hit()
        return i

    for number in range(TYPES):
        app.job(f"type.{number}")(noop)
    async with app:
        await _spread(app, jobs)
        async with app.worker():
            await tally.enough.wait()
        text = await app.metrics.text()
        numbers = {READ: await _milliseconds(app.metrics.snapshot), TEXT: await _milliseconds(app.metrics.text)}
        await _spread(app, 19 * jobs)
        numbers |= {
            READ_MORE: await _milliseconds(app.metrics.snapshot),
            TEXT_MORE: await _milliseconds(app.metrics.text),
            SIZE: len(text) / 1024,
        }
        await bench.audit(app)
    return numbers


async def _spread(app: App, jobs: int) -> None:
    each = jobs // TYPES // len(PRIORITIES)
    for number in range(TYPES):
        for priority in PRIORITIES:
            await fill(app, f"type.{number}", payloads(each), priority=priority)


async def _milliseconds(read: Callable[[], Awaitable[object]]) -> float:
    taken: list[float] = []
    for _ in range(REPEATS):
        began = perf_counter()
        await read()
        taken.append(perf_counter() - began)
    return statistics.median(taken) * 1000


BENCHMARK = Benchmark(
    "scrape",
    "reading all metrics of 10 types in 4 priorities, histograms included",
    (
        Line(READ, "ms"),
        Line(READ_MORE, "ms"),
        ratio(READ_MORE, READ),
        Line(TEXT, "ms"),
        Line(TEXT_MORE, "ms"),
        ratio(TEXT_MORE, TEXT),
        Line(SIZE, "KiB"),
    ),
    once,
)
