"""Jobs as people read them: a row of a list, and the whole report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from jobledger._core.headline import headline
from jobledger._core.job import EventName, Lane, Status
from jobledger.cli.moments import away, clock, clock_and_away
from jobledger.cli.output import Output
from jobledger.cli.tables import Cell, Column, Styled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jobledger._core.job import Progress
    from jobledger._core.report import AttemptReport, HistoryEntry, JobPage, JobReport, JobSummary

STYLES: Final = {
    Status.QUEUED: "cyan",
    Status.PROCESSING: "blue",
    Status.COMPLETE: "green",
    Status.FAILED: "red",
    Status.CANCELLED: "yellow",
    Status.DISCARDED: "magenta",
}
LIST_COLUMNS: Final = (
    "id",
    "type",
    "status",
    Column("priority", spare=2),
    "entity",
    Column("failed", right=True, spare=3),
    Column("submitted", spare=1),
    Column("note", folds=True),
)
_ATTEMPTS: Final = (
    Column("run", right=True),
    Column("worker", right=True, spare=2),
    "started",
    Column("took", right=True, spare=1),
    "outcome",
    Column("reason", spare=3),
    Column("error", folds=True),
)
_HISTORY: Final = (
    "at",
    "event",
    Column("run", right=True),
    Column("worker", right=True, spare=2),
    Column("reason", spare=1),
)
_NO_ERRORS: Final = frozenset({EventName.COMPLETED, EventName.RELEASED})


def status_cell(job: JobSummary) -> Styled:
    """The status in its colour."""
    return Styled(job.status, STYLES[job.status])


def list_row(job: JobSummary) -> list[Cell]:
    """A job as a row of a list; its payload is not shown."""
    return [
        job.id, job.type, status_cell(job), job.priority, job.entity or "", f"{job.failures}/{job.max_attempts}",
        away(job.submitted_at), _note(job),
    ]  # fmt: skip


def tell_rest(out: Output, page: JobPage, limit: int, what: str) -> None:
    """Whether there are more jobs behind a page, or none at all."""
    if page.next is not None:
        looked = "" if len(page.jobs) == limit else f"looked through a million jobs for these {what}, and there are "
        out.note(f"{looked}more: --after {page.next}")
    elif not page.jobs:
        out.note(f"no {what}")


def show_report(out: Output, report: JobReport) -> None:
    """All that is known of a job."""
    out.fields(_facts(report))
    out.json_block("Payload", report.payload)
    if report.status is Status.COMPLETE:
        out.json_block("Result", report.result)
    if report.attempts:
        out.title("Attempts")
        out.table(_ATTEMPTS, map(_attempt_row, report.attempts))
    out.title("History")
    out.table(_HISTORY, map(_event_row, report.history))


def show_errors(out: Output, report: JobReport, *, every: bool) -> None:
    """The error of the last attempt that has one, or of each, in full."""
    failed = [one for one in report.history if one.error and one.event not in _NO_ERRORS]
    for entry in failed if every else failed[-1:]:
        out.title(f"Error of run {entry.run} ({entry.reason or entry.event}, {clock(entry.at)})")
        out.block(entry.error or "")


def event_line(entry: HistoryEntry) -> str:
    """A transition as a line of its own, for watching."""
    parts = [clock(entry.at), entry.event]
    parts += [f"run {entry.run}"] if entry.run else []
    parts += [str(entry.reason)] if entry.reason else []
    parts += [headline(entry.error)] if entry.error else []
    return "  ".join(parts)


def progress_text(progress: Progress) -> str:
    """How far a job says it is."""
    return f"{progress.percent:.0f} %  {progress.message}".rstrip()


def _facts(report: JobReport) -> list[tuple[str, Cell | None]]:
    lost = f", {report.losses} lost" if report.losses else ""
    note = _note(report, f"parked behind another job of {report.entity}")
    return [
        ("job", report.id),
        ("type", report.type),
        ("status", Styled(f"{report.status} ({note})" if note else report.status, STYLES[report.status])),
        ("entity", report.entity),
        ("priority", report.priority),
        ("attempts", f"{report.failures} of at most {report.max_attempts} failed{lost}"),
        ("batch", report.batch),
        ("dedupe key", report.dedupe),
        ("trace", report.trace),
        ("submitted", clock_and_away(report.submitted_at)),
        ("due", clock_and_away(report.due_at) if report.due_at > report.submitted_at else None),
        ("started", clock_and_away(report.started_at) if report.started_at else None),
        ("ended", clock_and_away(report.ended_at) if report.ended_at else None),
        ("progress", progress_text(report.progress) if report.progress else None),
    ]


def _note(job: JobSummary, parked: str = "parked") -> str:
    notes: list[str] = []
    if job.lane == Lane.SCHEDULED:
        notes.append(f"due {away(job.due_at)}")
    elif job.lane == Lane.PARKED:
        notes.append(parked)
    if job.cancel_requested and not job.ended:
        notes.append("cancel requested")
    if job.reason is not None:
        notes.append(job.reason)
    return ", ".join(notes)


def _attempt_row(one: AttemptReport) -> Sequence[Cell]:
    return [
        str(one.run), "" if one.worker is None else str(one.worker), clock(one.started_at),
        "" if one.seconds is None else f"{one.seconds:.3f} s", one.outcome or "running", one.reason or "",
        headline(one.error),
    ]  # fmt: skip


def _event_row(one: HistoryEntry) -> Sequence[Cell]:
    worker = "" if one.worker is None else str(one.worker)
    return [clock(one.at), one.event, str(one.run) if one.run else "", worker, one.reason or ""]
