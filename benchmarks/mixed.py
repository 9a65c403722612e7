"""Jobs that wait: what share of the ideal (slots divided by the time of a job) is left beside the bookkeeping."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.bench import drain, payloads
from benchmarks.measure import Benchmark, Line, Numbers

if TYPE_CHECKING:
    from benchmarks.bench import Bench

SLOTS = 100
WORK = {"1 ms": 0.001, "20 ms": 0.02, "100 ms": 0.1}


async def once(bench: Bench) -> Numbers:
    numbers: Numbers = {}
    for label, work in WORK.items():
        ideal = SLOTS / work
        number = int(min(bench.size(5000, 1500), ideal * bench.size(2, 1)))
        rate, _ = await drain(bench, payloads(number), slots=SLOTS, work=work)
        numbers |= {_rate(label): rate, _share(label): rate / ideal * 100}
    return numbers


def _rate(label: str) -> str:
    return f"{label} of async work"


def _share(label: str) -> str:
    return f"{label} of async work, share of the ideal"


BENCHMARK = Benchmark(
    "mixed",
    f"async jobs that wait for half to one and a half times this long, {SLOTS} slots; ideal: bookkeeping costs nothing",
    tuple(line for label in WORK for line in (Line(_rate(label), "jobs/s"), Line(_share(label), "%"))),
    once,
)
