"""Whether one entity's long mailbox is in the way of the others: their drain, with and without it."""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import TYPE_CHECKING

from benchmarks.bench import Payload, Tally, drain, fill, payloads
from benchmarks.measure import Benchmark, Line, Numbers, ratio
from jobledger import Item

if TYPE_CHECKING:
    from benchmarks.bench import Bench

WITHOUT = "others, nothing parked"
UNKEYED = "others, beside parked jobs"
KEYED_WITHOUT = "others with entities, nothing parked"
KEYED = "others with entities, beside parked jobs"


async def once(bench: Bench) -> Numbers:
    parked, number = bench.size(100_000, 20_000), bench.size(5000, 1500)
    unkeyed = payloads(number)
    keyed: list[Payload] = [Item({"i": i}, entity=f"customer:{i}") for i in range(number)]
    numbers = {WITHOUT: await drain(bench, unkeyed), KEYED_WITHOUT: await drain(bench, keyed)}
    return numbers | await _beside(bench, parked, {UNKEYED: unkeyed, KEYED: keyed})


async def _beside(bench: Bench, parked: int, others: dict[str, list[Payload]]) -> Numbers:
    app, numbers, tally = bench.app(), Numbers(), Tally(0)

    @app.job("slow")
    async def slow(i: int) -> None:  # noqa: ARG001 - the payloads have it
        """Head of the long mailbox; it runs for as long as the others are measured."""
        await asyncio.Event().wait()

    @app.job("noop")
    async def noop(i: int = 0) -> int:
        tally.hit()
        return i

    async with app:
        await fill(app, "slow", payloads(parked), entity="customer:hot")
        for name, jobs in others.items():
            tally = Tally(len(jobs))
            await fill(app, "noop", jobs)
            began = perf_counter()
            async with app.worker(grace=0):
                await tally.enough.wait()
            numbers[name] = len(jobs) / (perf_counter() - began)
        assert await app.metrics.jobs.parked.read(type="slow") == parked - 1
        await bench.audit(app)
    return numbers


BENCHMARK = Benchmark(
    "parked",
    "100,000 jobs parked behind one running job of their entity, and others to drain, 100 slots (20,000 with --quick)",
    (
        Line(WITHOUT, "jobs/s"),
        Line(UNKEYED, "jobs/s"),
        ratio(UNKEYED, WITHOUT, "others, with : without parked jobs"),
        Line(KEYED_WITHOUT, "jobs/s"),
        Line(KEYED, "jobs/s"),
        ratio(KEYED, KEYED_WITHOUT, "others with entities, with : without parked jobs"),
    ),
    once,
)
