"""What order costs: jobs of entities run one at a time per entity, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.bench import drain, payloads
from benchmarks.measure import Benchmark, Line, Numbers, ratio
from jobledger import Item

if TYPE_CHECKING:
    from benchmarks.bench import Bench

UNKEYED = "without entity"
MANY = "an entity each"
SHARED = "100 entities"
HOT = "one entity for all"


async def once(bench: Bench) -> Numbers:
    number, hot = bench.size(10_000, 2000), bench.size(600, 200)
    return {
        UNKEYED: await drain(bench, payloads(number)),
        MANY: await drain(bench, [Item({"i": i}, entity=f"customer:{i}") for i in range(number)]),
        SHARED: await drain(bench, [Item({"i": i}, entity=f"customer:{i % 100}") for i in range(number)]),
        HOT: await drain(bench, [Item({"i": i}, entity="customer:1") for i in range(hot)]),
    }


BENCHMARK = Benchmark(
    "keyed",
    "no-op jobs of entities, 100 slots; a hot entity needs a commit for each of its jobs",
    (
        Line(UNKEYED, "jobs/s"),
        Line(MANY, "jobs/s"),
        Line(SHARED, "jobs/s"),
        Line(HOT, "jobs/s"),
        ratio(MANY, UNKEYED),
        ratio(SHARED, UNKEYED),
        ratio(HOT, UNKEYED),
    ),
    once,
)
