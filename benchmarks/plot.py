"""Draw what was measured: ``python benchmarks/plot.py FILE… --into FOLDER``, for the JSON of either command."""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import matplotlib as mpl
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Iterator

WIDTH, ROW, MARGIN = 9.0, 0.32, 1.1
"""Inches: of a picture, of a bar, and of what stands above and below the bars."""
BAR, RANGE = "#4878a8", "#222222"


class Bar(NamedTuple):
    """A number: the median of its runs, and their range."""

    name: str
    values: tuple[float, ...]


class Picture(NamedTuple):
    """Numbers of one unit."""

    name: str
    title: str
    unit: str
    bars: tuple[Bar, ...]


def main() -> int:
    """Write one SVG per benchmark and unit; figures are in the tables, these are to see."""
    parser = argparse.ArgumentParser(prog="benchmarks/plot.py", description=__doc__)
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="what --json wrote")
    parser.add_argument("--into", type=Path, required=True, metavar="FOLDER", help="where the pictures go")
    asked = parser.parse_args()
    asked.into.mkdir(parents=True, exist_ok=True)
    # The same numbers make the same file.
    mpl.rcParams["svg.hashsalt"] = "jobledger"
    for file in asked.files:
        for picture in pictures(file.stem, json.loads(file.read_text(encoding="utf-8"))):
            path = asked.into / f"{picture.name}.svg"
            _drawn(picture).savefig(path, format="svg", bbox_inches="tight", metadata={"Date": None})
            print(path)
    return 0


def pictures(stem: str, read: dict[str, Any]) -> Iterator[Picture]:
    """What a file's numbers show, by benchmark and unit; ratios are left to the tables."""
    if "rounds" in read:
        yield from _of_peers(stem, read)
        return
    for benchmark in read["benchmarks"]:
        for unit in dict.fromkeys(line["unit"] for line in benchmark["lines"] if line["unit"] != "x"):
            bars = tuple(Bar(line["name"], tuple(line["runs"])) for line in benchmark["lines"] if line["unit"] == unit)
            yield Picture(
                _named(stem, benchmark["name"], unit), f"{benchmark['name']}: {benchmark['about']}", unit, bars
            )


def _of_peers(stem: str, read: dict[str, Any]) -> Iterator[Picture]:
    systems = list(dict.fromkeys(name for numbers in read["rounds"] for name in numbers))
    measures = list(dict.fromkeys(key for numbers in read["rounds"] for of in numbers.values() for key in of))
    for measure in measures:
        bars = tuple(
            Bar(name, tuple(numbers[name][measure] for numbers in read["rounds"] if measure in numbers.get(name, {})))
            for name in systems
        )
        yield Picture(_named(stem, measure), measure, "", tuple(bar for bar in bars if bar.values))


def _named(*words: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", " ".join(words).lower()).strip("-")


def _drawn(picture: Picture) -> Figure:
    medians = [statistics.median(bar.values) for bar in picture.bars]
    below = [median - min(bar.values) for median, bar in zip(medians, picture.bars, strict=True)]
    above = [max(bar.values) - median for median, bar in zip(medians, picture.bars, strict=True)]
    figure = Figure(figsize=(WIDTH, MARGIN + ROW * len(picture.bars)))
    axes = figure.add_subplot()
    axes.barh([bar.name for bar in picture.bars], medians, xerr=[below, above], color=BAR, ecolor=RANGE, height=0.7)
    axes.invert_yaxis()
    axes.set_title(picture.title, fontsize=9, loc="left")
    axes.set_xlabel(f"{picture.unit}: median, and the range of the runs" if picture.unit else "median, and the range")
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)
    return figure


if __name__ == "__main__":
    sys.exit(main())
