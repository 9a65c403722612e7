"""Many seeds, one after the other or in several processes, and what came of them together."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.faults.chaos.finding import told
from tests.faults.simulation.run import Outcome, run

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_HOUR = 3600.0
_AT_ONCE = 20


@dataclass
class Tally:
    """All runs so far.

    Attributes:
        bad: outcomes with findings.
        counts: what went wrong on purpose, and what was done, over all seeds.
    """

    seeds: int = 0
    steps: int = 0
    seconds: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)
    bad: list[Outcome] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        """One run more."""
        self.seeds += 1
        self.steps += outcome.steps
        self.seconds += outcome.seconds
        self.counts += outcome.counts
        if outcome.findings:
            self.bad.append(outcome)

    def __str__(self) -> str:
        """Figures, and seeds with findings."""
        figures = {
            "seeds": self.seeds,
            "callbacks": self.steps,
            "virtual hours": round(self.seconds / _HOUR, 1),
            **dict(sorted(self.counts.items())),
            "seeds with findings": len(self.bad),
        }
        return "\n".join([*(f"{value:>14,} {name}" for name, value in figures.items()), *map(described, self.bad)])


def described(outcome: Outcome) -> str:
    """What a seed has found, and what had happened last."""
    return "\n".join([
        f"\nseed {outcome.seed}: python -m tests.faults.simulation --seed {outcome.seed} --trace",
        *told(outcome.findings),
        *outcome.lines,
    ])  # fmt: skip


def simulate(seeds: Iterable[int], jobs: int = 1) -> Tally:
    """Run them all; with more than one job in processes of their own."""
    tally = Tally()
    for outcome in map(run, seeds) if jobs == 1 else _in_processes(seeds, jobs):
        tally.add(outcome)
    return tally


def _in_processes(seeds: Iterable[int], jobs: int) -> Iterator[Outcome]:
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        yield from pool.imap_unordered(run, seeds, chunksize=_AT_ONCE)
