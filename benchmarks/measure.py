"""Numbers: a median of several runs with its range, and ratios of numbers that were measured side by side."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from benchmarks.bench import Bench

Numbers: TypeAlias = dict[str, float]
"""What one run measured, by the names of the lines."""


@dataclass(frozen=True)
class Sample:
    """One number, measured once per run."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def low(self) -> float:
        return min(self.values)

    @property
    def high(self) -> float:
        return max(self.values)


@dataclass(frozen=True)
class Line:
    """A line of the table: a number with a unit, or the ratio of two of them in the same run."""

    name: str
    unit: str
    of: str = ""
    to: str = ""

    def sample(self, runs: Sequence[Numbers]) -> Sample:
        if not self.of:
            return Sample(tuple(run[self.name] for run in runs))
        return Sample(tuple(run[self.of] / run[self.to] for run in runs))


def ratio(of: str, to: str, name: str = "") -> Line:
    """``of`` divided by ``to``, taken within each run: what else the machine did then cancels out."""
    return Line(name or f"{of} : {to}", "x", of, to)


@dataclass(frozen=True)
class Benchmark:
    """One benchmark: ``once`` measures every line once, on fresh files."""

    name: str
    about: str
    lines: tuple[Line, ...]
    once: Callable[[Bench], Awaitable[Numbers]]


@dataclass(frozen=True)
class Outcome:
    """What a benchmark came to."""

    benchmark: Benchmark
    runs: list[Numbers] = field(default_factory=list)
    findings: int = 0
    audits: int = 0
    seconds: float = 0.0

    @property
    def rows(self) -> list[tuple[Line, Sample]]:
        """The lines that were measured; a benchmark may leave out what its sizes don't allow."""
        measured = set(self.runs[0]) if self.runs else set()
        wanted = [
            line for line in self.benchmark.lines if {line.of or line.name, line.to or line.of or line.name} <= measured
        ]
        return [(line, line.sample(self.runs)) for line in wanted]

    @property
    def books(self) -> str:
        return "balanced" if self.audits and not self.findings else f"NOT BALANCED: {self.findings} finding(s)"


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]
