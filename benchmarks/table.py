"""Outcomes as text: with rich where it is installed, else as plain columns; and as Markdown."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.measure import Line, Outcome, Sample

_HEADS = ("", "median", "range", "unit")
_WIDTH = 120


def show(outcome: Outcome) -> None:
    """Print one benchmark: its lines, and whether its books balance."""
    rows = [_cells(line, sample) for line, sample in outcome.rows]
    foot = f"books: {outcome.books} ({outcome.audits} audits), {len(outcome.runs)} runs, {outcome.seconds:.1f} s"
    if importlib.util.find_spec("rich") is None:
        _plain(outcome, rows, foot)
    else:
        _rich(outcome, rows, foot)


def markdown(outcomes: Sequence[Outcome]) -> str:
    """Tables for the documentation."""
    parts: list[str] = []
    for outcome in outcomes:
        parts += [f"**{outcome.benchmark.name}**: {outcome.benchmark.about}", ""]
        parts += ["| | median | range | |", "| --- | ---: | ---: | --- |"]
        parts += [f"| {' | '.join(_cells(line, sample))} |" for line, sample in outcome.rows]
        parts.append("")
    return "\n".join(parts)


def _cells(line: Line, sample: Sample) -> tuple[str, str, str, str]:
    return line.name, figure(sample.median), f"{figure(sample.low)} - {figure(sample.high)}", line.unit


def figure(value: float) -> str:
    """Three significant figures, whole from 100 on."""
    if abs(value) >= 99.95:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 9.995 else f"{value:.2f}"


def _plain(outcome: Outcome, rows: list[tuple[str, str, str, str]], foot: str) -> None:
    widths = [max(len(row[column]) for row in (_HEADS, *rows)) for column in range(len(_HEADS))]
    print(f"\n{outcome.benchmark.name}: {outcome.benchmark.about}")
    for row in (_HEADS, *rows):
        name, median, span, unit = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print(f"  {name}  {median.strip():>{widths[1]}}  {span.strip():>{widths[2]}}  {unit}".rstrip())
    print(f"  {foot}")


def _rich(outcome: Outcome, rows: list[tuple[str, str, str, str]], foot: str) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = _WIDTH
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(_HEADS[0], min_width=52)
    table.add_column(_HEADS[1], justify="right", min_width=9)
    table.add_column(_HEADS[2], justify="right", min_width=17)
    table.add_column(_HEADS[3], min_width=6)
    for row in rows:
        table.add_row(*row, style="bold" if row[3] == "x" else "")
    console.print(f"\n{outcome.benchmark.name}: {outcome.benchmark.about}", style="bold")
    console.print(table, foot, sep="")
