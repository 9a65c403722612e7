"""Whether one entity's long mailbox is in the way of the others: their drain, with and without it, in turns."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from benchmarks.bench import Stopwatch, Tally, fill, payloads
from benchmarks.measure import Benchmark, Line, Numbers, ratio
from jobledger import Item

if TYPE_CHECKING:
    from benchmarks.bench import Bench, Payload
    from jobledger import App

TURNS = 2
UNKEYED, KEYED = "others", "others with an entity each"


class Beside:
    """A store whose worker drains what it is given, beside what is parked in it."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.watches = {UNKEYED: Stopwatch(), KEYED: Stopwatch()}
        self._tally = Tally(0)

        @app.job("slow")
        async def slow(i: int) -> None:  # noqa: ARG001 - the payloads have it
            """Head of the long mailbox; it runs for as long as the others are measured."""
            await asyncio.Event().wait()

        @app.job("noop")
        async def noop(i: int = 0) -> int:
            self._tally.hit()
            return i

    async def drain(self, name: str, jobs: list[Payload]) -> None:
        self._tally = Tally(len(jobs))
        await fill(self.app, "noop", jobs)
        with self.watches[name]:
            async with self.app.worker(grace=0):
                await self._tally.enough.wait()


async def once(bench: Bench) -> Numbers:
    parked, number = bench.size(100_000, 20_000), bench.size(2500, 1000)
    jobs: dict[str, list[Payload]] = {
        UNKEYED: payloads(number),
        KEYED: [Item({"i": i}, entity=f"customer:{i}") for i in range(number)],
    }
    without, beside = Beside(bench.app()), Beside(bench.app())
    async with without.app, beside.app:
        await fill(beside.app, "slow", payloads(parked), entity="customer:hot")
        for _ in range(TURNS):
            for name, some in jobs.items():
                await without.drain(name, some)
                await beside.drain(name, some)
        assert await beside.app.metrics.jobs.parked.read(type="slow") == parked - 1
        await bench.audit(without.app)
        await bench.audit(beside.app)
    numbers: Numbers = {}
    for name in jobs:
        for label, measured in ((_without(name), without), (_beside(name), beside)):
            speed = measured.watches[name].speed(TURNS * number)
            numbers |= {label: speed.rate, _cpu(label): speed.cpu}
    return numbers


def _without(name: str) -> str:
    return f"{name}, nothing parked"


def _beside(name: str) -> str:
    return f"{name}, beside parked jobs"


def _cpu(name: str) -> str:
    return f"{name}: CPU"


def _lines(name: str) -> tuple[Line, ...]:
    without, beside = _without(name), _beside(name)
    return (
        Line(without, "jobs/s"),
        Line(beside, "jobs/s"),
        ratio(beside, without, f"{name}, with : without parked jobs"),
        ratio(_cpu(beside), _cpu(without), f"{name}, CPU per job, with : without"),
    )


BENCHMARK = Benchmark(
    "parked",
    "100,000 jobs parked behind one running job of their entity, and others to drain, 100 slots (20,000 with --quick)",
    (*_lines(UNKEYED), *_lines(KEYED)),
    once,
)
