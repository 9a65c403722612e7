"""The closing report for people."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from jobledger._core.priority import BY_LABEL
from jobledger.cli.demo.handlers import MEASURE, TYPES
from jobledger.cli.demo.takeover import How, unseen
from jobledger.cli.tables import Cell, Column, Styled

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jobledger.cli.demo.report import Report
    from jobledger.cli.demo.takeover import Takeover
    from jobledger.cli.output import Output

_GOOD: Final = Styled("ok", "green")
_BAD: Final = Styled("BROKEN", "bold red")
_MS: Final = 1000
_LONGEST_ERROR: Final = 110
_SOON: Final = 4.0
"""Seconds in which a death is seen by its evidence, and not by silence."""
_HOW: Final = {
    How.NOT_BEGUN: "claimed, but the handler had not begun: executed once",
    How.IN_THE_MIDDLE: "killed in the middle of the handler: executed again, from its beginning",
    How.NOT_COMMITTED: "ended in the handler, but its outcome was not committed: executed twice (at-least-once)",
}


def show(report: Report, out: Output) -> None:
    """Print the report, part by part."""
    for part in (_input, _metrics, _percentiles, _slowest, _cancellations, _dead, _takeover, _audit, _truth):
        part(report, out)


def _input(report: Report, out: Output) -> None:
    put, took = report.input, report.seconds
    out.title("What was done")
    out.line(
        f"  {put.files:,} files, {put.bytes / 1e6:.1f} MB: the standard library of Python {put.python}, {put.root}"
    )
    out.line(f"  {put.undecodable} of them are not UTF-8, so their jobs must fail")
    out.line(f"  {_known_bad(put.known_bad)}")
    out.line(
        f"  {report.jobs:,} jobs, submitted in {took['submit']:.2f} s and worked off in {took['work']:.1f} s: "
        f"{report.jobs_per_second:,.0f} jobs/s, {report.lines_read:,} lines read"
    )
    boxes = report.mailboxes
    out.line(
        f"  {boxes.count} directories, one job of each at a time; the deepest is {boxes.deepest}, {boxes.depth} jobs"
    )
    out.line(f"  {report.delayed} of them delayed by a second, {report.deduplicated} submitted twice and deduplicated")


def _known_bad(paths: tuple[str, ...]) -> str:
    if len(paths) == 1:
        return f"1 known-bad input, written by this demo: {paths[0]}"
    return f"{len(paths)} known-bad inputs, written by this demo since so few of the library's files fail: {paths[0]} …"


def _metrics(report: Report, out: Output) -> None:
    types = sorted(TYPES)
    out.title("The eleven metrics")
    rows = [
        [attribute, "observations" if attribute in report.percentiles else "", *(f"{by_type[one]:,}" for one in types)]
        for attribute, by_type in report.metrics.items()
    ]
    out.table(["metric", "", *(Column(one, right=True) for one in types)], rows)


def _percentiles(report: Report, out: Output) -> None:
    out.title(f"Percentiles of {MEASURE}, in milliseconds, estimated within the buckets of the histograms")
    rows = [
        [attribute, *(_ms(value) for value in by_type[MEASURE].values())]
        for attribute, by_type in report.percentiles.items()
    ]
    out.table(["metric", *(Column(name, right=True) for name in ("p50", "p95", "p99"))], rows)


def _slowest(report: Report, out: Output) -> None:
    out.title("The slowest files")
    rows = [
        [_ms(slow.seconds), f"{slow.result['lines']:,}", f"{slow.result['functions']:,}", slow.path]
        for slow in report.slowest
    ]
    out.table([*(Column(name, right=True) for name in ("ms", "lines", "functions")), "file"], rows)


def _cancellations(report: Report, out: Output) -> None:
    cancelled, flight = report.cancellations, report.cancellations.flight
    out.title("Cancelled")
    out.line(
        f"  {cancelled.queued} while queued, {cancelled.before_any_worker} of them before any worker was alive: at once"
    )
    out.line(f"  {cancelled.in_flight} in flight: {flight.id}, answered {flight.answer}, ended {flight.outcome}")
    out.line("    " + ", ".join(f"{event} {at[11:23]}" for at, event in flight.history))


def _dead(report: Report, out: Output) -> None:
    dead = report.dead
    reasons = ", ".join(f"{count} {reason}" for reason, count in dead.reasons.items())
    out.title(f"Dead letters: {dead.size} ({reasons})")
    for letter in dead.letters:
        out.line(f"  {letter.id}, {letter.attempts} attempts: {letter.path}")
        out.line(f"    {letter.error[:_LONGEST_ERROR]}", "red")
    out.line(f"  replayed and complete: {dead.replayed} (a known-bad input that this demo has repaired)")
    out.line(f"  discarded: {dead.discarded}")


def _takeover(report: Report, out: Output) -> None:
    told = report.takeover
    if told is None:
        out.title("No worker was killed: none was seen at work after a third of the jobs")
        return
    out.title(f"Worker {told.killed} was killed (signal 9) when {told.after:,} of {told.jobs:,} jobs had ended")
    out.line(
        f"  {len(told.lost)} attempts were lost with it; from the histories of their jobs, in seconds after the kill"
    )
    columns = [Column(name, right=True) for name in ("put back", "elsewhere", "done again")]
    rows: list[list[Cell]] = [
        [one.id, f"{one.worker}, run {one.run}", _s(one.put_back), _s(one.running_again), _s(one.done_again),
         f"{one.elsewhere}, run {one.run + 1}: {one.outcome}", _GOOD if one.sound else _BAD]
        for one in told.lost
    ]  # fmt: skip
    out.table(["job", "writer", *columns, "there", ""], rows)
    for how, count in sorted(Counter(one.how for one in told.lost).items()):
        out.line(f"  {count} {_HOW[how]}")
    if told.lost:
        out.line(f"  {_s(told.put_back)} s after the kill: seen dead and put back, in one transaction")
        if told.put_back is not None and told.put_back > _SOON:
            out.line("    (who has just connected does not trust a lost connection, so its lease was waited for)")
        out.line(f"  {_s(told.running_again)} s: the first of them runs elsewhere")
        out.line(f"  {_s(told.done_again)} s: all of them are done again")
    if told.lines_dropped:
        out.line(f"  what these attempts had counted, {told.lines_dropped:,} lines, is in no metric: they count once")
    out.line("  attempts by worker: " + ", ".join(_crew(told)))


def _crew(told: Takeover) -> Iterable[str]:
    for one in told.crew:
        note = " (killed)" if one.pid == told.killed else " (its replacement)" if one.pid == told.replacement else ""
        yield f"{one.pid} {one.attempts:,}{note}"


def _audit(report: Report, out: Output) -> None:
    audit = report.audit
    out.title("The audit: every identity, summed over types and priorities")
    out.table(["", "equation", Column("left", right=True), Column("right", right=True), ""], _identities(audit.checks))
    for broken in audit.broken:
        out.line(f"  broken: {broken}", "red")
    counted = f"{len(audit.checks)} equations and {len(audit.rules)} structural rules"
    verdict = "the books balance" if audit.balanced else f"the books are out of balance: {audit.findings} findings"
    out.line(f"{verdict} ({counted})", "bold green" if audit.balanced else "bold red")


def _truth(report: Report, out: Output) -> None:
    out.title("The ground truth: what handlers and callers saw, counted apart from the ledger")
    rows: list[list[Cell]] = [
        [one.series, one.type, f"{one.counted:,}", f"{one.seen:,}", _GOOD if one.equal else _BAD]
        for one in report.ground_truth
        if one.seen or one.counted
    ]
    out.table(["series", "type", Column("counted", right=True), Column("seen", right=True), ""], rows)
    hidden = unseen(report.takeover.lost) if report.takeover else 0
    if hidden:
        out.line(
            f"{hidden} of the lost starts reached no handler, so they are seen by the histories of their jobs only"
        )
    equal = report.counters_equal_ground_truth
    boxes = report.mailboxes
    order = f"per directory: {boxes.overlaps} overlaps, {boxes.out_of_order} out of order"
    out.line(order, "bold green" if boxes.sound else "bold red")
    verdict = "counters = ground truth" if equal else "the counters are NOT what was seen"
    out.line(f"{verdict} ({len(report.ground_truth)} series)", "bold green" if equal else "bold red")


def _identities(checks: Iterable[dict[str, Any]]) -> list[list[Cell]]:
    """A sum is ok only if each of its parts is."""
    sums: dict[tuple[int, str], tuple[int, int, bool]] = {}
    for check in checks:
        text, _, last = check["equation"].rpartition(", ")
        key = check["identity"], text if last in BY_LABEL else check["equation"]
        left, right, ok = sums.get(key, (0, 0, True))
        sums[key] = left + check["left"], right + check["right"], ok and check["ok"]
    return [
        [str(identity), equation, f"{left:,}", f"{right:,}", _GOOD if ok else _BAD]
        for (identity, equation), (left, right, ok) in sorted(sums.items(), key=lambda entry: entry[0][0])
    ]


def _s(seconds: float | None) -> str:
    return "never" if seconds is None else f"{seconds:.3f}"


def _ms(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds * _MS:,.1f}"
