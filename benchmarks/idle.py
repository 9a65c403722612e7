"""What workers cost that have nothing to do: alone, and side by side, where they must not keep each other awake."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.measure import Benchmark, Line, Numbers
from benchmarks.processes import Program, cpu_seconds, written
from jobledger import App

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.bench import Bench

SETTLE_SECONDS = 2.0
"""A worker that has just started reads its own code."""
ALONE = "one worker, CPU"
BESIDE = "two workers, CPU of the one that takes more"
CALLED = "two workers, bytes given to write calls"
GREW = "two workers, database and write-ahead log grew by"


class Cost(NamedTuple):
    """Of a number of workers: CPU shares of one core, bytes a second given to write calls, bytes that files grew."""

    cpu: list[float]
    called: float
    grew: int


async def once(bench: Bench) -> Numbers:
    seconds = 30.0 if bench.full else bench.size(10, 3)
    alone = await _idle(bench, 1, seconds)
    beside = await _idle(bench, 2, seconds)
    return {ALONE: max(alone.cpu), BESIDE: max(beside.cpu), CALLED: beside.called, GREW: beside.grew}


async def _idle(bench: Bench, workers: int, seconds: float) -> Cost:
    path = bench.path()
    url = f"sqlite:///{path}?durability=power"
    with ExitStack() as running:
        programs = [
            running.enter_context(Program("stamping", url, path.with_suffix(".stamps"))) for _ in range(workers)
        ]
        await asyncio.sleep(SETTLE_SECONDS)
        pids = [program.pid for program in programs]
        began, cpu = perf_counter(), [cpu_seconds(pid) for pid in pids]
        bytes_, size = sum(map(written, pids)), _size(path)
        await asyncio.sleep(seconds)
        took = perf_counter() - began
        shares = [(cpu_seconds(pid) - before) / took * 100 for pid, before in zip(pids, cpu, strict=True)]
        cost = Cost(shares, (sum(map(written, pids)) - bytes_) / took, _size(path) - size)
    async with App(url) as app:
        await bench.audit(app)
    return cost


def _size(path: Path) -> int:
    return sum(each.stat().st_size for each in (path, path.with_name(path.name + "-wal")) if each.exists())


BENCHMARK = Benchmark(
    "idle",
    "workers without a job, after they have settled down (30 s with --full); CPU time from /proc, so Linux only",
    (
        Line(ALONE, "% core"),
        Line(BESIDE, "% core"),
        Line(CALLED, "bytes/s"),
        Line(GREW, "bytes"),
    ),
    once,
)
