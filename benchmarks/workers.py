"""How several worker processes share one queue: their throughput, and how soon one that comes later has work."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from time import perf_counter
from typing import TYPE_CHECKING

from benchmarks.bench import fill, payloads
from benchmarks.measure import Benchmark, Line, Numbers, ratio
from benchmarks.processes import Program

if TYPE_CHECKING:
    from benchmarks.bench import Bench
    from jobledger import App

PROCESSES = (1, 2, 4, 8)
LATE = "a worker that comes later: to its first job"
LATE_JOBS = 4


async def once(bench: Bench) -> Numbers:
    numbers: Numbers = {}
    for processes in PROCESSES:
        numbers[_name(processes)] = await _drained(bench, processes, bench.size(30_000, 5_000))
    numbers[LATE] = await _late(bench)
    return numbers


async def _drained(bench: Bench, processes: int, jobs: int) -> float:
    """Jobs per second, from when a third of the jobs are complete: by then all processes have started."""
    url = bench.url()
    app = bench.opened(url)
    async with app:
        await app.declare("noop")
        await fill(app, "noop", payloads(jobs))
        with ExitStack() as running:
            for program in [Program("draining", url) for _ in range(processes)]:
                running.callback(program.end)
            first, last = await _at(app, jobs // 3), await _at(app, jobs)
        await bench.audit(app)
    return (last[1] - first[1]) / (last[0] - first[0])


async def _at(app: App, jobs: int, pause: float = 0.05) -> tuple[float, float]:
    """When at least so many jobs were complete, and how many those were. A look costs as much as dozens of jobs."""
    while True:
        done = await app.metrics.jobs.completions.read(type="noop")
        if done >= jobs:
            return perf_counter(), float(done)
        await asyncio.sleep(pause)


async def _late(bench: Bench) -> float:
    """Milliseconds from when it says that it runs until a job that only it handles is complete."""
    url = bench.url()
    async with bench.opened(url) as app:
        await app.declare("noop")
        await fill(app, "noop", payloads(LATE_JOBS))
        with Program("draining", url):
            began = perf_counter()
            await _at(app, LATE_JOBS, 0.01)
            took = (perf_counter() - began) * 1000
        await bench.audit(app)
    return took


def _name(processes: int) -> str:
    return f"{processes} process{'es' if processes > 1 else ''}"


BENCHMARK = Benchmark(
    "workers",
    "no-op jobs, 100 slots a process; processes are started when the queue is full, counted after a third of it",
    (
        *(Line(_name(processes), "jobs/s") for processes in PROCESSES),
        *(ratio(_name(processes), _name(1)) for processes in PROCESSES[1:]),
        Line(LATE, "ms"),
    ),
    once,
)
