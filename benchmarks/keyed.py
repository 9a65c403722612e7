"""What order costs: jobs of entities run one at a time per entity, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.bench import drain, payloads
from benchmarks.measure import Benchmark, Line, Numbers, ratio
from jobledger import Item

if TYPE_CHECKING:
    from benchmarks.bench import Bench, Payload

UNKEYED = "without entity"
MANY = "an entity each"
SHARED = "100 entities"
HOT = "one entity for all"
KEYED = (MANY, SHARED, HOT)


async def once(bench: Bench) -> Numbers:
    number, hot = bench.size(10_000, 2000), bench.size(600, 200)
    speeds = {
        UNKEYED: await drain(bench, payloads(number)),
        MANY: await drain(bench, _keyed(number, number)),
        SHARED: await drain(bench, _keyed(number, 100)),
        HOT: await drain(bench, _keyed(hot, 1)),
    }
    return {name: speed.rate for name, speed in speeds.items()} | {_cpu(n): s.cpu for n, s in speeds.items()}


def _keyed(number: int, entities: int) -> list[Payload]:
    return [Item({"i": i}, entity=f"customer:{i % entities}") for i in range(number)]


def _cpu(name: str) -> str:
    return f"{name}: CPU"


BENCHMARK = Benchmark(
    "keyed",
    "no-op jobs of entities, 100 slots; a hot entity needs a commit for each of its jobs",
    (
        *(Line(name, "jobs/s") for name in (UNKEYED, *KEYED)),
        *(ratio(name, UNKEYED) for name in KEYED),
        *(ratio(_cpu(name), _cpu(UNKEYED), f"CPU per job, {name} : {UNKEYED}") for name in KEYED),
    ),
    once,
)
