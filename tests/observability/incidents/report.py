"""The table of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.observability.incidents.firing import Firing
    from tests.observability.incidents.played import Verdict

_HEAD = ("incident", "alert", "severity", "fires after", "ends", "")


def table(verdicts: Sequence[Verdict], factor: int) -> str:
    """Markdown: for each incident its alerts; times in minutes of the story."""
    rows = [_HEAD, *(row for verdict in verdicts for row in _rows(verdict, factor))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    rule = tuple("-" * width for width in widths)
    return "\n".join(_line(row, widths) for row in (_HEAD, rule, *rows[1:]))


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    return "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"


def _rows(verdict: Verdict, factor: int) -> Iterator[tuple[str, ...]]:
    name = verdict.incident.name
    if not verdict.firings and not verdict.missing:
        yield name, "none", "", "", "", ""
    for one in verdict.firings:
        after = f"{(one.first - verdict.broken) * factor / 60:.1f} min"
        yield name, one.name, one.severity, after, _end(verdict, one, factor), _remark(verdict, one.name)
        name = ""
    for missing in verdict.missing:
        yield name, missing, "", "never", "", "MISSING"


def _end(verdict: Verdict, one: Firing, factor: int) -> str:
    if one.name in verdict.still:
        return "never"
    minutes = (one.last - verdict.mended) * factor / 60
    return "by itself" if minutes < 0 else f"{minutes:.1f} min after the mend"


def _remark(verdict: Verdict, name: str) -> str:
    if name in verdict.unexpected:
        return "UNEXPECTED"
    incident = verdict.incident
    if name in {*incident.must, *incident.after}:
        return ""
    return incident.may.get(name) or incident.may.get(f"{name.partition(' ')[0]} *", "")
