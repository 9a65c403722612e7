"""Memory of a worker in a process of its own: idle, after its jobs, and with many more queued."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import Benchmark, Line, Numbers

if TYPE_CHECKING:
    from benchmarks.bench import Bench

BARE = "Python with asyncio, apsw and msgspec"
IDLE = "idle worker"
AFTER = "idle worker, after its jobs"
QUEUED = {100_000: "worker amid 100,000 queued jobs", 1_000_000: "worker amid 1,000,000 queued jobs"}
MIB = 1024 * 1024
_ROOT = Path(__file__).resolve().parents[1]


def once_in_a_process(path: Path, jobs: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.memory", str(path), str(jobs)]
    answer = subprocess.run(command, cwd=_ROOT, check=True, capture_output=True, text=True)
    read: dict[str, float] = json.loads(answer.stdout)
    return read


async def once(bench: Bench) -> Numbers:
    jobs = bench.size(10_000, 3000)
    numbers = await asyncio.to_thread(once_in_a_process, bench.path(), jobs)
    bench.judge(int(numbers.pop("findings")))
    for queued in () if bench.quick else tuple(QUEUED)[: 2 if bench.full else 1]:
        path = bench.path()
        await _queue(bench, path, queued)
        beside = await asyncio.to_thread(once_in_a_process, path, jobs)
        bench.judge(int(beside["findings"]))
        numbers |= {QUEUED[queued]: beside[AFTER], _added(queued): beside[AFTER] - numbers[AFTER]}
    return numbers


async def _queue(bench: Bench, path: Path, jobs: int) -> None:
    from benchmarks.bench import fill, payloads

    async with bench.opened(f"sqlite:///{path}") as app:
        await app.declare("noop")
        await fill(app, "noop", payloads(jobs))


def _added(queued: int) -> str:
    return f"{queued:,} queued jobs add"


def resident() -> float:
    """Memory that this process holds now, in MiB; where only its peak is known, the peak."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGESIZE") / MIB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB


async def measured(path: Path, jobs: int) -> Numbers:
    import apsw  # noqa: F401 - what a bare process of this kind holds
    import msgspec  # noqa: F401

    numbers = {BARE: resident()}

    from benchmarks.bench import Tally, fill, payloads
    from jobledger import App

    app, tally = App(f"sqlite:///{path}"), Tally(jobs)

    @app.job("noop")
    async def noop(i: int = 0) -> int:
        tally.hit()
        return i

    async with app.worker():
        await asyncio.sleep(0.5)
        numbers[IDLE] = resident()
        if await app.metrics.jobs.enqueued.read(type="noop") == 0:
            await fill(app, "noop", payloads(jobs))
        await tally.enough.wait()
        await asyncio.sleep(0.5)
        numbers[AFTER] = resident()
    async with app:
        numbers["findings"] = float((await app.metrics.audit()).findings)
    return numbers


BENCHMARK = Benchmark(
    "memory",
    "resident memory of a worker with 100 slots, in a process of its own, and what queued jobs add",
    (
        Line(BARE, "MiB"),
        Line(IDLE, "MiB"),
        Line(AFTER, "MiB"),
        *(Line(name, "MiB") for name in QUEUED.values()),
        *(Line(_added(queued), "MiB") for queued in QUEUED),
    ),
    once,
)

if __name__ == "__main__":
    print(json.dumps(asyncio.run(measured(Path(sys.argv[1]), int(sys.argv[2])))))
