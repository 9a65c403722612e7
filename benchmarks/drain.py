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
ALL = (ASYNC_100, ASYNC_400, PLAIN)


async def once(bench: Bench) -> Numbers:
    jobs = payloads(bench.size(8000, 2000))
    speeds = {
        ASYNC_100: await drain(bench, jobs, slots=100),
        ASYNC_400: await drain(bench, jobs, slots=400),
        PLAIN: await drain(bench, jobs[: len(jobs) // 2], threads=8, plain=True),
    }
    return {name: speed.rate for name, speed in speeds.items()} | {_cpu(n): s.cpu for n, s in speeds.items()}


def _cpu(name: str) -> str:
    return f"{name}: CPU"


BENCHMARK = Benchmark(
    "drain",
    "no-op jobs in one process, from a full queue to the last result committed",
    (
        *(Line(name, "jobs/s") for name in ALL),
        ratio(ASYNC_400, ASYNC_100),
        ratio(PLAIN, ASYNC_100),
        *(Line(_cpu(name), "µs/job") for name in ALL),
    ),
    once,
)
