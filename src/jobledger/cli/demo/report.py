"""The closing report, read cold from the file that the run has left behind."""

from __future__ import annotations

import platform
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import msgspec

from jobledger import App, Status
from jobledger._core.catalog import ELEVEN, ENQUEUED, Kind
from jobledger.cli.demo.figures import count
from jobledger.cli.demo.handlers import MEASURE, WATCH, witness
from jobledger.cli.demo.mailboxes import Mailboxes, inspect
from jobledger.cli.demo.truth import Compared, compare
from jobledger.cli.demo.witness import Heard, Saw

if TYPE_CHECKING:
    from jobledger._core.books import Audit
    from jobledger._core.report import JobSummary
    from jobledger._metrics.snapshot import Snapshot
    from jobledger.cli.demo.plan import Plan
    from jobledger.cli.demo.play import Course

_SHOWN: Final = 5
_PAGE: Final = 1000
_QUANTILES: Final = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


class Input(msgspec.Struct, frozen=True):
    """What went in; the known bad files were written by the demo."""

    python: str
    root: str
    files: int
    bytes: int
    undecodable: int
    known_bad: tuple[str, ...]


class Slow(msgspec.Struct, frozen=True):
    """One of the files that took longest, as its job's history tells."""

    id: str
    path: str
    seconds: float
    result: dict[str, Any]


class Letter(msgspec.Struct, frozen=True):
    """One dead letter."""

    id: str
    path: str
    attempts: int
    error: str


class Dead(msgspec.Struct, frozen=True):
    """The dead-letter queue; ``reasons`` counts the exceptions of all letters in it."""

    size: int
    reasons: dict[str, int]
    letters: tuple[Letter, ...]
    replayed: str
    discarded: str


class Flight(msgspec.Struct, frozen=True):
    """The job that was cancelled while it ran: the answer, the outcome, and its history as proof."""

    id: str
    answer: str
    outcome: str
    history: tuple[tuple[str, str], ...]


class Cancellations(msgspec.Struct, frozen=True):
    """How many jobs were cancelled where; those ``before_any_worker`` are among the queued ones."""

    queued: int
    before_any_worker: int
    in_flight: int
    flight: Flight


class Balance(msgspec.Struct, frozen=True):
    """The audit: every equation with its figures."""

    balanced: bool
    findings: int
    checks: tuple[dict[str, Any], ...]
    rules: tuple[str, ...]
    broken: tuple[str, ...]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is shown at the end."""

    database: str
    input: Input
    seconds: dict[str, float]
    jobs: int
    jobs_per_second: float
    metrics: dict[str, dict[str, float]]
    percentiles: dict[str, dict[str, dict[str, float | None]]]
    lines_read: int
    slowest: tuple[Slow, ...]
    dead: Dead
    cancellations: Cancellations
    deduplicated: int
    delayed: int
    mailboxes: Mailboxes
    audit: Balance
    ground_truth: tuple[Compared, ...]
    counters_equal_ground_truth: bool

    @property
    def sound(self) -> bool:
        """The books balance, they say what was seen, and what was seen was in order."""
        return self.audit.balanced and self.counters_equal_ground_truth and self.mailboxes.sound


async def collect(url: str, plan: Plan, course: Course) -> Report:
    """Read the books, the rows and some jobs, as any other process would."""
    async with App(url, read_only=True) as app:
        snapshot = await app.metrics.snapshot()
        compared = compare(snapshot, witness)
        jobs = count(snapshot, ENQUEUED, MEASURE)
        return Report(
            database=url,
            input=_input(plan),
            seconds={"submit": course.submit_seconds, "work": course.work_seconds},
            jobs=jobs,
            jobs_per_second=jobs / course.work_seconds,
            metrics=_metrics(snapshot),
            percentiles=_percentiles(snapshot),
            lines_read=compared[-1].counted,
            slowest=await _slowest(app),
            dead=await _dead(app, course),
            cancellations=await _cancellations(app, plan, course),
            deduplicated=witness.heard(MEASURE, Heard.DUPLICATE),
            delayed=len(plan.delayed),
            mailboxes=_mailboxes(plan, course),
            audit=_balance(await app.metrics.audit()),
            ground_truth=compared,
            counters_equal_ground_truth=all(one.equal for one in compared),
        )


def _input(plan: Plan) -> Input:
    found = plan.from_library
    return Input(
        python=platform.python_version(),
        root=str(plan.root),
        files=len(found),
        bytes=sum(file.size for file in found),
        undecodable=sum(not file.decodable for file in found),
        known_bad=tuple(str(file.path) for file in plan.files[plan.repairable :]),
    )


def _mailboxes(plan: Plan, course: Course) -> Mailboxes:
    """The replayed job began a second first attempt, at the end of its mailbox: it has no place in the order."""
    apart = {course.ids[index] for index in plan.delayed} | {course.replayed}
    return inspect(witness.sightings, course.ids[: len(plan.files)], apart)


def _metrics(snapshot: Snapshot) -> dict[str, dict[str, float]]:
    return {
        instrument.attribute: {type_name: count(snapshot, instrument, type_name) for type_name in (MEASURE, WATCH)}
        for instrument in ELEVEN
    }


def _percentiles(snapshot: Snapshot) -> dict[str, dict[str, dict[str, float | None]]]:
    return {
        instrument.attribute: {
            type_name: {name: snapshot.quantile(instrument, q, type=type_name) for name, q in _QUANTILES.items()}
            for type_name in (MEASURE, WATCH)
        }
        for instrument in ELEVEN
        if instrument.kind is Kind.HISTOGRAM
    }


async def _slowest(app: App) -> tuple[Slow, ...]:
    seen = sorted(witness.of(MEASURE, Saw.RETURNED), key=lambda sighting: sighting.seconds, reverse=True)[:_SHOWN]
    reports = [await app.jobs.status(sighting.job_id) for sighting in seen]
    return tuple(
        Slow(report.id, report.payload["path"], report.attempts[-1].seconds or 0.0, report.result) for report in reports
    )


async def _dead(app: App, course: Course) -> Dead:
    letters = await _letters(app)
    shown: list[Letter] = []
    for reason in dict.fromkeys(_reason(letter) for letter in letters):
        alike = [letter for letter in letters if _reason(letter) == reason]
        shown += [await _letter(app, letter.id) for letter in alike[: _SHOWN - 1]]
    reasons = Counter(_reason(letter) for letter in letters)
    return Dead(len(letters), dict(reasons.most_common()), tuple(shown), course.replayed, course.discarded)


async def _letters(app: App) -> list[JobSummary]:
    page = await app.jobs.list(status=Status.FAILED, limit=_PAGE)
    letters = list(page.jobs)
    while page.next is not None:
        page = await app.jobs.list(status=Status.FAILED, limit=_PAGE, after=page.next)
        letters += page.jobs
    return letters


async def _letter(app: App, job_id: str) -> Letter:
    report = await app.jobs.status(job_id)
    return Letter(report.id, report.payload["path"], len(report.attempts), _last_line(report))


def _reason(letter: JobSummary) -> str:
    return _last_line(letter).partition(":")[0]


def _last_line(letter: JobSummary) -> str:
    return ((letter.error or "").strip().splitlines() or ["unknown"])[-1]


async def _cancellations(app: App, plan: Plan, course: Course) -> Cancellations:
    report = await app.jobs.status(course.watch_id)
    history = tuple((entry.at.isoformat(timespec="milliseconds"), entry.event.value) for entry in report.history)
    flight = Flight(course.watch_id, course.asked, course.came_to, history)
    return Cancellations(
        queued=witness.heard(MEASURE, Heard.CANCELLED),
        before_any_worker=len(plan.cancelled),
        in_flight=sum(len(witness.of(type_name, Saw.STOPPED)) for type_name in (MEASURE, WATCH)),
        flight=flight,
    )


def _balance(audit: Audit) -> Balance:
    checks = tuple(msgspec.to_builtins(check) | {"ok": check.ok} for check in audit.checks)
    broken = tuple(f"{finding.rule}: {', '.join(finding.examples)}" for finding in audit.broken)
    return Balance(audit.balanced, audit.findings, checks, audit.rules, broken)
