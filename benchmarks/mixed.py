"""What is left beside the bookkeeping: of the ideal for jobs that wait, of the loop's time for jobs that compute."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

from benchmarks.bench import Stopwatch, Tally, drain, fill, payloads
from benchmarks.measure import Benchmark, Line, Numbers

if TYPE_CHECKING:
    from benchmarks.bench import Bench

SLOTS = 100
WORK = {"1 ms": 0.001, "20 ms": 0.02, "100 ms": 0.1}
BUSY_SECONDS = 0.001
BUSY = "1 ms of computing on the loop"
BUSY_SHARE = f"{BUSY}, share of the time that is the handlers'"


async def once(bench: Bench) -> Numbers:
    numbers: Numbers = {}
    for label, work in WORK.items():
        ideal = SLOTS / work
        number = int(min(bench.size(5000, 1500), ideal * bench.size(2, 1)))
        rate, _ = await drain(bench, payloads(number), slots=SLOTS, work=work)
        numbers |= {_rate(label): rate, _share(label): rate / ideal * 100}
    return numbers | await _busy(bench, bench.size(3000, 1000))


async def _busy(bench: Bench, number: int) -> Numbers:
    app, tally, watch, computed = bench.app(), Tally(number), Stopwatch(), [0.0]

    @app.job("busy")
    async def busy(i: int = 0) -> int:
        began = perf_counter()
        while perf_counter() - began < BUSY_SECONDS:
            pass
        computed[0] += perf_counter() - began
        tally.hit()
        return i

    async with app:
        await fill(app, "busy", payloads(number))
        with watch:
            async with app.worker(slots=SLOTS):
                await tally.enough.wait()
        await bench.audit(app)
    return {BUSY: number / watch.wall, BUSY_SHARE: computed[0] / watch.wall * 100}


def _rate(label: str) -> str:
    return f"{label} of async work"


def _share(label: str) -> str:
    return f"{label} of async work, share of the ideal"


BENCHMARK = Benchmark(
    "mixed",
    f"async jobs that wait for half to one and a half times this long, or compute, {SLOTS} slots; ideal: no books",
    (
        *(line for label in WORK for line in (Line(_rate(label), "jobs/s"), Line(_share(label), "%"))),
        Line(BUSY, "jobs/s"),
        Line(BUSY_SHARE, "%"),
    ),
    once,
)
