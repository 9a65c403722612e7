"""The closing report on a terminal."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from rich.table import Table

from jobledger._core.priority import BY_LABEL
from jobledger.cli.demo.handlers import MEASURE, WATCH

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.console import Console

    from jobledger.cli.demo.report import Report

_MS: Final = 1000


def show(report: Report, console: Console) -> None:
    """Print the report, part by part."""
    for part in (_input, _metrics, _percentiles, _slowest, _cancellations, _dead, _audit, _truth):
        console.print()
        for line in part(report):
            console.print(line, soft_wrap=isinstance(line, str), highlight=False)


def _input(report: Report) -> Iterator[str]:
    put = report.input
    yield "[bold]What was done[/]"
    yield f"  {put.files:,} files, {put.bytes / 1e6:.1f} MB: the standard library of Python {put.python}, {put.root}"
    yield f"  {put.undecodable} of them are no UTF-8, so their jobs must fail"
    yield f"  {len(put.known_bad)} known-bad input(s), written by this demo beside its database: {put.known_bad[0]} …"
    yield (
        f"  {report.jobs:,} jobs: submitted in {report.seconds['submit']:.2f} s, worked off in "
        f"{report.seconds['work']:.1f} s ({report.jobs_per_second:,.0f} jobs/s); {report.lines_read:,} lines read"
    )
    yield f"  {report.delayed} delayed by a second; {report.deduplicated} submitted twice and deduplicated"


def _metrics(report: Report) -> Iterator[Table]:
    table = Table("metric", MEASURE, WATCH, title="The eleven metrics", title_justify="left")
    for column in table.columns[1:]:
        column.justify = "right"
    for attribute, by_type in report.metrics.items():
        seen = " (observations)" if attribute in report.percentiles else ""
        table.add_row(attribute + seen, *(f"{by_type[type_name]:,}" for type_name in (MEASURE, WATCH)))
    yield table


def _percentiles(report: Report) -> Iterator[Table]:
    table = Table("milliseconds", "p50", "p95", "p99", title=f"Percentiles of {MEASURE}", title_justify="left")
    for column in table.columns[1:]:
        column.justify = "right"
    for attribute, by_type in report.percentiles.items():
        table.add_row(attribute, *(_ms(value) for value in by_type[MEASURE].values()))
    yield table


def _slowest(report: Report) -> Iterator[str]:
    yield "[bold]The slowest files[/]"
    for slow in report.slowest:
        lines, functions = slow.result["lines"], slow.result["functions"]
        yield f"  {_ms(slow.seconds):>7} ms  {lines:>7,} lines  {functions:>5,} functions  {slow.path}"


def _cancellations(report: Report) -> Iterator[str]:
    cancelled = report.cancellations
    flight = cancelled.flight
    yield "[bold]Cancelled[/]"
    yield f"  {cancelled.queued} while queued: cancelled at once"
    yield f"  {cancelled.in_flight} in flight: {flight.id} was {flight.answer}, and ended {flight.outcome}"
    yield "  " + " → ".join(f"{event} {at[11:23]}" for at, event in flight.history)


def _dead(report: Report) -> Iterator[str]:
    dead = report.dead
    reasons = ", ".join(f"{count} {reason}" for reason, count in dead.reasons.items())
    yield f"[bold]Dead letters[/]: {dead.size} ({reasons})"
    for letter in dead.letters:
        yield f"  {letter.id}  {letter.attempts} attempts  {letter.path}"
        yield f"      [red]{_plain(letter.error[:110])}[/]"
    yield f"  replayed, and complete: {dead.replayed} (the demo had repaired its known-bad input)"
    yield f"  discarded: {dead.discarded}"


def _audit(report: Report) -> Iterator[Table | str]:
    audit = report.audit
    table = Table("", "every identity", "left", "right", "", title="The audit", title_justify="left")
    for column in table.columns[2:4]:
        column.justify = "right"
    for identity, equation, left, right, ok in _identities(audit.checks):
        table.add_row(str(identity), _plain(equation), f"{left:,}", f"{right:,}", "[green]ok" if ok else "[red]BROKEN")
    yield table
    yield f"  {len(audit.checks)} equations, one per type and priority; {len(audit.rules)} structural rules looked at"
    yield from (f"  [red]broken[/]: {_plain(broken)}" for broken in audit.broken)
    yield "[bold green]The books balance.[/]" if audit.balanced else "[bold red]The books DO NOT balance.[/]"


def _truth(report: Report) -> Iterator[str]:
    pairs = report.ground_truth
    for one in pairs:
        if not one.equal:
            yield f"  [red]{one.series} of {one.type}: counted {one.counted:,}, seen {one.seen:,}[/]"
    if report.counters_equal_ground_truth:
        figures = ", ".join(f"{one.series} {one.counted:,} = {one.seen:,}" for one in pairs if one.seen)
        yield f"[bold green]counters = ground truth[/] ({len(pairs)} series): {figures}"
    else:
        yield "[bold red]The counters are NOT what handlers and callers saw.[/]"


def _identities(checks: Iterable[dict[str, Any]]) -> Iterator[tuple[int, str, int, int, bool]]:
    """The checks over all types and priorities; a sum is ok only if each of its parts is."""

    def key(check: dict[str, Any]) -> tuple[int, str]:
        text, _, last = check["equation"].rpartition(", ")
        return check["identity"], text if last in BY_LABEL else check["equation"]

    ordered = sorted(checks, key=key)
    for (identity, equation), alike in groupby(ordered, key):
        parts = list(alike)
        left, right = (sum(part[side] for part in parts) for side in ("left", "right"))
        yield identity, equation, left, right, all(part["ok"] for part in parts)


def _ms(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds * _MS:,.1f}"


def _plain(text: str) -> str:
    return text.replace("[", r"\[")
