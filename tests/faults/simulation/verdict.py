"""All checks at the end of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.faults.simulation.answers import Answers
from tests.faults.simulation.books import Books
from tests.faults.simulation.counters import counted
from tests.faults.simulation.lives import Lives
from tests.faults.simulation.order import Order

if TYPE_CHECKING:
    from tests.faults.chaos.finding import Finding
    from tests.faults.simulation.machine import Machine


def judged(machine: Machine) -> list[Finding]:
    """What is off, by the store as it is now and by what was written down outside of it."""
    books, chronicle = Books(machine), machine.chronicle
    lives = Lives(books, chronicle)
    findings = [
        *books.findings(),
        *lives.findings(),
        *Answers(books, chronicle).findings(),
        *Order(books, chronicle).findings(),
        *counted(books, chronicle),
    ]
    counts = machine.storm.counts
    counts["jobs"], counts["executions"] = len(books.jobs), len(chronicle.sights)
    counts["done twice"] = lives.twice
    return findings
