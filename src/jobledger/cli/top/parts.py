"""Which parts a page has, and which of their rows come first when there is no room for all."""

from __future__ import annotations

from functools import partial
from math import log2
from typing import TYPE_CHECKING, Final, NamedTuple

from jobledger._metrics.overview.figures import Gone
from jobledger.cli.top import blocks, short

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.text import Text

    from jobledger._metrics.overview.figures import Overview, Picture, TypeFigures, Worker

ONE_LINE: Final = 150
"""Places from which on all figures of a type stand in one line, in front of a name of some length."""
WITH_JOBS: Final = 120
"""Places from which on a worker's longest job stands behind it."""


class Part(NamedTuple):
    """A part of the page.

    Attributes:
        rows: how many it has.
        least: how many it should have before others get more.
        each: lines that a row takes; the head takes as many.
        draw: so many rows of it, as lines.
    """

    rows: int
    least: int
    each: int
    draw: Callable[[int], list[Text]]


def parts_of(seen: Overview, picture: Picture | None, columns: int | None) -> list[Part]:
    """All parts that have something to say, from top to bottom."""
    alerts = blocks.alerts(seen)
    firing = sum(one.state == "firing" for one in seen.alerts)
    parts = [
        Part(len(alerts), min(firing + 1, 4), 1, partial(alerts.lines, columns)),
        _types(seen, columns),
        *_workers(seen, columns),
    ]
    entities = seen.entities
    if entities.busiest:
        whole = entities.counted >= entities.parked
        title = "ENTITY" if whole else f"ENTITY (of {entities.counted:,} jobs)"
        boxes = blocks.mailboxes(entities.busiest, title)
        parts.append(Part(len(boxes), 1, 1, partial(boxes.lines, columns)))
    if seen.failing:
        failing = blocks.failing(seen.failing)
        parts.append(Part(len(failing), 1, 1, partial(failing.lines, columns)))
    if picture is not None:
        past = blocks.picture(picture)
        parts.append(Part(len(past), 0, 1, partial(past.lines, columns)))
    return parts


def _types(seen: Overview, columns: int | None) -> Part:
    """By name; which of them are shown, if not all, is chosen by what goes on there."""
    names = {one.type for one in seen.alerts}
    ranked = sorted(seen.types, key=lambda one: (one.type not in names, -_weight(one)))
    with_all = len(ranked) != 1
    window = "LAST -" if seen.window is None else f"LAST {short.time(seen.window)}"

    def rows_of(rows: int) -> tuple[list[TypeFigures], str]:
        chosen = sorted(ranked[: rows - with_all if rows else 0], key=lambda one: one.type or "")
        of = f"{len(chosen)} OF {len(ranked)}" if len(chosen) < len(ranked) else f"{len(ranked)}"
        return [*([seen.all] if with_all and rows else []), *chosen], f"{of} TYPES" if with_all else "TYPE"

    def one_line(rows: int) -> list[Text]:
        chosen, title = rows_of(rows)
        return blocks.both(chosen, title).lines(columns, rows)

    def two_lines(rows: int) -> list[Text]:
        chosen, title = rows_of(rows)
        flow = blocks.flow(chosen, title)
        times = blocks.times(chosen, window, flow.fitted(columns)[0])
        return flow.lines(columns, rows) + times.lines(columns, rows)

    wide = columns is None or columns >= ONE_LINE
    return Part(len(ranked) + with_all, 3, 1 if wide else 2, one_line if wide else two_lines)


def _weight(one: TypeFigures) -> int:
    """How much goes on, by powers of two, so that types don't change places all the time."""
    depth, pace = one.depth, one.pace
    jobs = depth.ready + depth.parked + depth.delayed + depth.running + depth.dead
    moved = 0.0 if pace is None else 60 * (pace.enqueued + pace.completed + pace.failed)
    return int(log2(1 + jobs + moved)) + (64 if one.overdue or one.unhandled else 0)


def _workers(seen: Overview, columns: int | None) -> list[Part]:
    """Those in trouble, the one that has run a job for longest, the one that went last; and then the others."""
    ranked = sorted(seen.workers, key=lambda one: (one.state == "live", -(one.longest.seconds if one.longest else 0)))
    live = sum(one.state != "live" for one in ranked) + 1
    rows: list[Worker | Gone] = [*ranked[:live], *seen.gone[:1], *ranked[live:], *seen.gone[1:]]
    busy = [one for one in ranked if one.longest is not None]
    wide = columns is None or columns >= WITH_JOBS

    def lines(count: int) -> list[Text]:
        chosen = sorted(rows[:count], key=lambda one: (isinstance(one, Gone), one.id))
        return blocks.workers(chosen, jobs=wide).lines(columns, count)

    def jobs(count: int) -> list[Text]:
        return blocks.longest(busy[:count]).lines(columns, count)

    parts = [Part(len(rows), 3, 1, lines)] if rows else []
    if busy and not wide:
        parts.append(Part(len(busy), 1, 1, jobs))
    return parts
