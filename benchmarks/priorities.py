"""Whether starts come at 4 : 3 : 2 : 1 while all four priorities wait, over all starts and over short stretches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.bench import Tally, fill, payloads
from benchmarks.measure import Benchmark, Line, Numbers
from jobledger import Context

if TYPE_CHECKING:
    from benchmarks.bench import Bench

SHARES = {"critical": 0.4, "high": 0.3, "normal": 0.2, "low": 0.1}
STRETCH = 1000
WORST = "largest deviation of a priority"
STRETCHED = f"largest deviation in {STRETCH:,} starts in a row"
LONGEST = "longest run of starts without a low one"


async def once(bench: Bench) -> Numbers:
    starts = bench.size(10_000, 3000)
    app, tally, order = bench.app(), Tally(starts), list[str]()

    @app.job("noop")
    async def noop(ctx: Context, *, i: int = 0) -> int:
        order.append(ctx.priority.label)
        tally.hit()
        return i

    async with app:
        for priority, share in SHARES.items():
            # A quarter more than its share, so that each still waits when the last start is counted.
            await fill(app, "noop", payloads(int(starts * share * 1.25)), priority=priority)
        async with app.worker():
            await tally.enough.wait()
        await bench.audit(app)
    order = order[:starts]
    stretches = [order[first : first + STRETCH] for first in range(0, starts, STRETCH)]
    numbers: Numbers = {f"starts {priority}": order.count(priority) / starts * 100 for priority in SHARES}
    gaps = [len(run.split()) for run in " ".join(order).split("low")]
    return numbers | {
        WORST: _deviation(order),
        STRETCHED: max(_deviation(stretch) for stretch in stretches),
        LONGEST: float(max(gaps)),
    }


def _deviation(order: list[str]) -> float:
    """How far the share of a priority is from its weight, in per cent of that weight."""
    return max(abs(order.count(priority) / len(order) - share) / share * 100 for priority, share in SHARES.items())


BENCHMARK = Benchmark(
    "priorities",
    "10,000 starts with all four priorities backlogged (3,000 with --quick), 100 slots; due: 40, 30, 20, 10 %",
    (
        *(Line(f"starts {priority}", "%") for priority in SHARES),
        Line(WORST, "%"),
        Line(STRETCHED, "%"),
        Line(LONGEST, "starts"),
    ),
    once,
)
