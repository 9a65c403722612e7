"""The results as text: a table for each measure, with ratios; and as Markdown for the documentation."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

from benchmarks.peers import measures
from benchmarks.table import figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.measure import Sample
    from benchmarks.peers.catalog import System
    from benchmarks.peers.measures import Measure
    from benchmarks.peers.results import Results

_HEADS = ("", "median", "range", "unit", "jobledger : it")
_WIDTH = 120
_COLUMNS = {
    "drain, jobs/s": measures.DRAIN,
    "submit, jobs/s": measures.SUBMIT,
    "in batches, jobs/s": measures.BATCH,
    "idle p50, ms": measures.P50,
    "idle p99, ms": measures.P99,
    "RSS, MiB": measures.RSS,
    "PSS, MiB": measures.PSS,
}
_WORN = {
    "log per job, bytes": measures.LOG,
    "dead rows made per job": measures.MADE,
    "still there at the end": measures.LEFT,
}


def show(results: Results) -> None:
    """Print all of it."""
    for measure in measures.ALL:
        rows = _rows(results, measure)
        if rows:
            better = "more" if measure.more else "less"
            _print(f"{measure.name}; {better} is better", rows)
    print(f"\n{results.runs()} runs of each system; each ratio is taken within a round")
    for name, reason in sorted(results.failures.items()):
        print(f"{name} not run: {reason}")


def _rows(results: Results, measure: Measure) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for system in results.systems():
        sample, ratio = results.sample(system, measure), results.ratio(system, measure)
        if sample is not None:
            rows.append((results.title(system), figure(sample.median), _span(sample), measure.unit, _times(ratio)))
    return rows


def _span(sample: Sample) -> str:
    return f"{figure(sample.low)} - {figure(sample.high)}"


def _times(ratio: Sample | None) -> str:
    return "" if ratio is None else f"{figure(ratio.median)} x"


def _print(title: str, rows: Sequence[tuple[str, ...]]) -> None:
    if importlib.util.find_spec("rich") is None:
        widths = [max(len(row[column]) for row in (_HEADS, *rows)) for column in range(len(_HEADS))]
        print(f"\n{title}")
        for row in (_HEADS, *rows):
            cells = [cell.rjust(widths[place]) if place else cell.ljust(widths[0]) for place, cell in enumerate(row)]
            print("  " + "  ".join(cells).rstrip())
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = _WIDTH
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for place, head in enumerate(_HEADS):
        table.add_column(head, justify="right" if place in {1, 2, 4} else "left", min_width=52 if place == 0 else 6)
    for row in rows:
        table.add_row(*row, style="" if row[-1] else "bold")
    console.print(f"\n{title}", style="bold")
    console.print(table, sep="")


def markdown(results: Results) -> str:
    """How each was set up, what a user feels, what PostgreSQL has to carry, and how far jobledger is from each."""
    systems = results.systems()
    on_postgres = [one for one in systems if results.sample(one, measures.LOG) is not None]
    compared = [one for one in systems if one.against]
    grids = (
        _grid(["", "workers, and what is set"], [[results.title(one), one.settings] for one in systems]),
        _grid(["", *_COLUMNS], [[results.title(one), *_cells(results, one, _COLUMNS)] for one in systems]),
        _grid(["on PostgreSQL", *_WORN], [[results.title(one), *_cells(results, one, _WORN)] for one in on_postgres]),
        _grid(
            ["jobledger :", *(name.partition(",")[0] for name in _COLUMNS)],
            [
                [results.title(one), *(_bare(results.ratio(one, measure)) for measure in _COLUMNS.values())]
                for one in compared
            ],
        ),
    )
    return "\n\n".join("\n".join(lines) for lines in grids) + "\n"


def _cells(results: Results, system: System, columns: dict[str, Measure]) -> list[str]:
    samples = [results.sample(system, measure) for measure in columns.values()]
    return ["-" if one is None else f"**{figure(one.median)}**{_narrow(one)}" for one in samples]


def _narrow(sample: Sample) -> str:
    """Its range, where one can see it."""
    low, high = figure(sample.low), figure(sample.high)
    return "" if low == high else f" {low}-{high}"


def _bare(ratio: Sample | None) -> str:
    return "-" if ratio is None else figure(ratio.median)


def _grid(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    rule = ["---", *("---:" if len(heads) > 2 else "---" for _ in heads[1:])]
    return ["| " + " | ".join(row) + " |" for row in (heads, rule, *rows)]
