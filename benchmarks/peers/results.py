"""What came out of a comparison: rounds, in each of which every system ran once; kept as JSON, and put together."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from benchmarks.measure import Numbers, Sample
from benchmarks.peers.catalog import SYSTEMS

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.peers.catalog import System
    from benchmarks.peers.measures import Measure

Round: TypeAlias = dict[str, Numbers]
"""Numbers by the name of the system."""


@dataclass
class Results:
    """All rounds so far.

    Attributes:
        machine: what they ran on.
        quick: with small sizes.
        rounds: one after the other, on this machine.
        versions: of what ran, by the name of the system.
        failures: why a system has not run, or not in all rounds.
    """

    machine: dict[str, str]
    quick: bool
    rounds: list[Round] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    def systems(self) -> list[System]:
        """Those that have run, as the catalog orders them."""
        return [one for one in SYSTEMS if any(one.name in numbers for numbers in self.rounds)]

    def runs(self) -> int:
        """How often the system ran that ran least."""
        return min((sum(one.name in numbers for numbers in self.rounds) for one in self.systems()), default=0)

    def title(self, system: System) -> str:
        """With its version."""
        name, _, rest = system.title.partition(",")
        return f"{name} {self.versions[system.name]},{rest}"

    def sample(self, system: System, measure: Measure) -> Sample | None:
        """What it came to; None where it does not apply."""
        values = [numbers[system.name].get(measure.name) for numbers in self.rounds if system.name in numbers]
        known = tuple(value for value in values if value is not None)
        return Sample(known) if known else None

    def ratio(self, system: System, measure: Measure) -> Sample | None:
        """The jobledger that it is compared with, divided by it: within each round, so that a slow hour cancels out."""
        pairs = [
            (numbers.get(system.against, {}).get(measure.name), numbers.get(system.name, {}).get(measure.name))
            for numbers in self.rounds
        ]
        known = tuple(ours / theirs for ours, theirs in pairs if ours is not None and theirs)
        return Sample(known) if known else None

    def add(self, path: Path) -> None:
        """Take the rounds of an earlier run in, in front of those of this one."""
        read: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        assert read["quick"] == self.quick, f"{path}: rounds with and without --quick do not go together"
        self.rounds += read["rounds"]
        self.versions |= read["versions"]
        self.failures |= read["failures"]
        self.machine |= read["machine"]

    def write(self, path: Path) -> None:
        data = {
            "machine": self.machine,
            "quick": self.quick,
            "versions": self.versions,
            "failures": self.failures,
            "rounds": self.rounds,
        }
        path.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
