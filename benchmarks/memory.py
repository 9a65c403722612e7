"""Memory of an idle worker, in a process of its own, before and after it has run jobs."""

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
MIB = 1024 * 1024
_ROOT = Path(__file__).resolve().parents[1]


def once_in_a_process(path: Path, jobs: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.memory", str(path), str(jobs)]
    answer = subprocess.run(command, cwd=_ROOT, check=True, capture_output=True, text=True)
    read: dict[str, float] = json.loads(answer.stdout)
    return read


async def once(bench: Bench) -> Numbers:
    numbers = await asyncio.to_thread(once_in_a_process, bench.path(), bench.size(10_000, 3000))
    bench.judge(int(numbers.pop("findings")))
    return numbers


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
        await fill(app, "noop", payloads(jobs))
        await tally.enough.wait()
        await asyncio.sleep(0.5)
        numbers[AFTER] = resident()
    async with app:
        numbers["findings"] = float((await app.metrics.audit()).findings)
    return numbers


BENCHMARK = Benchmark(
    "memory",
    "resident memory of a worker with 100 slots, in a process of its own; 10,000 jobs (3,000 with --quick)",
    (Line(BARE, "MiB"), Line(IDLE, "MiB"), Line(AFTER, "MiB")),
    once,
)

if __name__ == "__main__":
    print(json.dumps(asyncio.run(measured(Path(sys.argv[1]), int(sys.argv[2])))))
