"""How fast a full queue is emptied: jobs that do nothing, one process, every result durable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.bench import drain, payloads
from benchmarks.measure import Benchmark, Line, Numbers, ratio

if TYPE_CHECKING:
    from benchmarks.bench import Bench

ASYNC_100 = "async def, 100 slots"
ASYNC_400 = "async def, 400 slots"
PLAIN = "def, 8 threads"


async def once(bench: Bench) -> Numbers:
    jobs = payloads(bench.size(8000, 2000))
    return {
        ASYNC_100: await drain(bench, jobs, slots=100),
        ASYNC_400: await drain(bench, jobs, slots=400),
        PLAIN: await drain(bench, jobs[: len(jobs) // 2], threads=8, plain=True),
    }


BENCHMARK = Benchmark(
    "drain",
    "no-op jobs in one process, from a full queue to the last result committed",
    (
        Line(ASYNC_100, "jobs/s"),
        Line(ASYNC_400, "jobs/s"),
        Line(PLAIN, "jobs/s"),
        ratio(ASYNC_400, ASYNC_100),
        ratio(PLAIN, ASYNC_100),
    ),
    once,
)
