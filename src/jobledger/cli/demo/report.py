"""The closing report, read cold from the file that the run has left behind."""

from __future__ import annotations

import platform
from collections import Counter
from math import inf
from typing import TYPE_CHECKING, Any, Final

import msgspec

from jobledger import App, Status
from jobledger._core.catalog import ELEVEN, ENQUEUED, Kind
from jobledger.cli.demo.answers import Heard
from jobledger.cli.demo.figures import count
from jobledger.cli.demo.handlers import MEASURE, WATCH
from jobledger.cli.demo.mailboxes import Mailboxes, inspect
from jobledger.cli.demo.sightings import Fates, fates_of
from jobledger.cli.demo.takeover import Ran, TakenOver, Takeover, lost_attempts, tell, unseen
from jobledger.cli.demo.truth import Compared, compare
from jobledger.cli.demo.witness import Saw

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from jobledger._core.books import Audit
    from jobledger._core.report import JobSummary
    from jobledger._metrics.snapshot import Snapshot
    from jobledger.cli.demo.plan import Plan
    from jobledger.cli.demo.play import Course
    from jobledger.cli.demo.stage import Stage

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
    """One dead letter; an attempt that was lost with its worker is none of the ``attempts``."""

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
    takeover: Takeover | None
    mailboxes: Mailboxes
    audit: Balance
    ground_truth: tuple[Compared, ...]
    counters_equal_ground_truth: bool

    @property
    def sound(self) -> bool:
        """The books balance, they say what was seen, it was in order, and what was lost was done again."""
        taken = self.takeover is None or self.takeover.sound
        return self.audit.balanced and self.counters_equal_ground_truth and self.mailboxes.sound and taken


async def collect(stage: Stage, plan: Plan, course: Course) -> Report:
    """Read the books, the rows and some jobs, as any other process would."""
    async with App(stage.url, read_only=True) as app:
        snapshot = await app.metrics.snapshot()
        fates = fates_of(course.seen, course.died)
        lost = await _lost(app, course, fates)
        compared = compare(snapshot, fates, course.answers, unseen(lost))
        jobs = count(snapshot, ENQUEUED, MEASURE)
        return Report(
            database=stage.name,
            input=_input(plan),
            seconds={"submit": course.submit_seconds, "work": course.work_seconds},
            jobs=jobs,
            jobs_per_second=jobs / course.work_seconds,
            metrics=_metrics(snapshot),
            percentiles=_percentiles(snapshot),
            lines_read=compared[-1].counted,
            slowest=await _slowest(app, fates),
            dead=await _dead(app, course),
            cancellations=await _cancellations(app, plan, course, fates),
            deduplicated=course.answers.heard(MEASURE, Heard.DUPLICATE),
            delayed=len(plan.delayed),
            takeover=_takeover(course, jobs, lost, fates),
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
    killed = inf if course.kill is None else course.kill.moment
    return inspect(course.seen, course.ids[: len(plan.files)], apart, killed)


def _takeover(course: Course, jobs: int, lost: tuple[TakenOver, ...], fates: Fates) -> Takeover | None:
    if course.kill is None:
        return None
    begun = Counter(sighting.pid for sighting in course.seen)
    crew = tuple(Ran(pid, begun[pid], code) for pid, code in course.exit_codes.items())
    return tell(course.kill, jobs, crew, lost, sum(sighting.lines for sighting in fates.lost))


async def _lost(app: App, course: Course, fates: Fates) -> tuple[TakenOver, ...]:
    """A replay forgets the losses of the life before it, so that job is looked at in any case."""
    if course.kill is None:
        return ()
    ids = dict.fromkeys([one.job_id for one in fates.lost] + [course.replayed])
    ids |= dict.fromkeys([job.id async for job in _jobs(app) if job.losses])
    reports = [await app.jobs.status(job_id) for job_id in ids]
    return tuple(lost_attempts(reports, fates, course.kill.at))


async def _jobs(app: App, status: Status | None = None) -> AsyncIterator[JobSummary]:
    page = await app.jobs.list(status=status, limit=_PAGE)
    while True:
        for job in page.jobs:
            yield job
        if page.next is None:
            return
        page = await app.jobs.list(status=status, limit=_PAGE, after=page.next)


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


async def _slowest(app: App, fates: Fates) -> tuple[Slow, ...]:
    seen = sorted(fates.of(MEASURE, Saw.RETURNED), key=lambda sighting: sighting.seconds, reverse=True)[:_SHOWN]
    reports = [await app.jobs.status(sighting.job_id) for sighting in seen]
    return tuple(
        Slow(report.id, report.payload["path"], report.attempts[-1].seconds or 0.0, report.result) for report in reports
    )


async def _dead(app: App, course: Course) -> Dead:
    letters = [letter async for letter in _jobs(app, Status.FAILED)]
    shown: list[Letter] = []
    for reason in dict.fromkeys(_reason(letter) for letter in letters):
        alike = [letter for letter in letters if _reason(letter) == reason]
        shown += [await _letter(app, letter.id) for letter in alike[: _SHOWN - 1]]
    reasons = Counter(_reason(letter) for letter in letters)
    return Dead(len(letters), dict(reasons.most_common()), tuple(shown), course.replayed, course.discarded)


async def _letter(app: App, job_id: str) -> Letter:
    report = await app.jobs.status(job_id)
    return Letter(report.id, report.payload["path"], report.failures, _last_line(report))


def _reason(letter: JobSummary) -> str:
    return _last_line(letter).partition(":")[0]


def _last_line(letter: JobSummary) -> str:
    return ((letter.error or "").strip().splitlines() or ["unknown"])[-1]


async def _cancellations(app: App, plan: Plan, course: Course, fates: Fates) -> Cancellations:
    report = await app.jobs.status(course.watch_id)
    history = tuple((entry.at.isoformat(timespec="milliseconds"), entry.event.value) for entry in report.history)
    flight = Flight(course.watch_id, course.asked, course.came_to, history)
    return Cancellations(
        queued=course.answers.heard(MEASURE, Heard.CANCELLED),
        before_any_worker=len(plan.cancelled),
        in_flight=sum(len(fates.of(type_name, Saw.STOPPED)) for type_name in (MEASURE, WATCH)),
        flight=flight,
    )


def _balance(audit: Audit) -> Balance:
    checks = tuple(msgspec.to_builtins(check) | {"ok": check.ok} for check in audit.checks)
    broken = tuple(f"{finding.rule}: {', '.join(finding.examples)}" for finding in audit.broken)
    return Balance(audit.balanced, audit.findings, checks, audit.rules, broken)
