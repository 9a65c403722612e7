"""What a run came to: all checks, their figures, and what is off."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jobledger._core import catalog
from tests.faults.chaos import books as reading
from tests.faults.chaos.acknowledged import Acknowledged
from tests.faults.chaos.attempts import Attempts
from tests.faults.chaos.counters import Counters
from tests.faults.chaos.delays import Delays
from tests.faults.chaos.finding import Finding, told
from tests.faults.chaos.journal import Lines
from tests.faults.chaos.lines import Seen, Signalled, Told
from tests.faults.chaos.losses import Losses
from tests.faults.chaos.order import Order
from tests.faults.chaos.plan import plan
from tests.faults.chaos.requests import Requests

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobledger._core.books import Audit
    from tests.faults.chaos.books import Books
    from tests.faults.chaos.settings import Settings

BALANCED = "the books balance in every audit"
DRAINED = "nothing is stuck"
LEFT = "no worker is left in the books"
ALIVE = "no process ends by itself"
QUIET = "no process logs a defect"
_DEFECT = re.compile(r"this is a bug|out of balance|Traceback|CRITICAL")


@dataclass(frozen=True)
class Verdict:
    """One run, judged.

    Attributes:
        findings: what is off; an empty list is the aim.
        drained: seconds from the last signal to the end of the last job.
    """

    settings: Settings
    findings: list[Finding]
    audits: int
    drained: float | None
    torn: int
    jobs: int
    attempts: Attempts
    acknowledged: Acknowledged
    requests: Requests
    losses: Losses
    order: Order
    counters: Counters
    signals: list[Signalled]

    @property
    def sound(self) -> bool:
        """Nothing is off."""
        return not self.findings

    @property
    def told(self) -> list[str]:
        """What is off, with examples."""
        return told(self.findings)


def judge(settings: Settings, audits: list[Audit], failed: list[str], drained: float | None) -> Verdict:
    """Read everything back, and check it."""
    books = reading.read(settings.url)
    seen = Lines(settings.attempts_path, Seen)
    answers = Lines(settings.answers_path, Told)
    signals = Lines(settings.signals_path, Signalled).all
    tickets = {ticket.number: ticket for ticket in plan(settings.seed, settings.jobs, poisoned=settings.poisoned)}
    attempts, delays = Attempts(books, seen.all), Delays(books, tickets.values())
    acknowledged = Acknowledged(books, attempts, answers.all, tickets)
    requests, losses = Requests(books, answers.all), Losses(attempts, seen.all, signals, settings.lease)
    order = Order(books, attempts, signals, delays, settings.overlap)
    counters = Counters(books, attempts)
    checks = (acknowledged, requests, losses, order, delays, counters)
    findings = [
        *(finding for check in checks for finding in check.findings()),
        *_balanced([*audits, books.audit]),
        *(Finding(ALIVE, what) for what in failed),
        *_drained(books, drained, settings),
        *_left(books),
        *_quiet(settings),
    ]
    return Verdict(
        settings, findings, len(audits) + 1, drained, seen.torn + answers.torn, len(books.records), attempts,
        acknowledged, requests, losses, order, counters, signals,
    )  # fmt: skip


def _balanced(audits: list[Audit]) -> Iterator[Finding]:
    for number, audit in enumerate(audits, 1):
        for check in audit.failed:
            yield Finding(BALANCED, f"audit {number}: {check.type}: {check.equation}: {check.left}, {check.right}")
        for broken in audit.broken:
            yield Finding(BALANCED, f"audit {number}: {broken.rule}: {', '.join(broken.examples)}")


def _drained(books: Books, drained: float | None, settings: Settings) -> Iterator[Finding]:
    if drained is None:
        yield Finding(DRAINED, f"not all jobs had ended when nothing had moved for {settings.patience:.0f} s")
    for record in books.records.values():
        if record.job.ended_at is None:
            yield Finding(DRAINED, f"{record.type.name} {record.job.id} is {record.job.lane}")


def _left(books: Books) -> Iterator[Finding]:
    workers = books.snapshot.value(catalog.WORKERS)
    if workers:
        yield Finding(LEFT, f"{workers} are")


def _quiet(settings: Settings) -> Iterator[Finding]:
    for line in settings.log_path.read_text(encoding="utf-8", errors="replace").splitlines():
        if _DEFECT.search(line):
            yield Finding(QUIET, line)
