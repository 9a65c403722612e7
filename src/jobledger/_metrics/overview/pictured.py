"""The last hour, minute by minute."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

from jobledger._core import catalog
from jobledger._metrics.overview.figures import Picture
from jobledger._metrics.overview.point import Window
from jobledger._types import SECOND

if TYPE_CHECKING:
    from jobledger._core.catalog import Instrument
    from jobledger._metrics.overview.history import History
    from jobledger._metrics.overview.point import Point
    from jobledger._types import Micros

STEPS: Final = 60
_STEP: Final[Micros] = 60 * SECOND


def picture(history: History, now: Point) -> Picture:
    """How it went, as far as samples tell.

    The instants are whole minutes, so that each of them is read once.
    """
    minute = now.at // _STEP
    points = [history.as_of((minute - ago) * _STEP, now.at) for ago in range(STEPS, -1, -1)]
    return Picture(
        enqueued=_paces(points, catalog.ENQUEUED),
        completed=_paces(points, catalog.COMPLETIONS),
        failed=_paces(points, catalog.FAILURES),
        waiting=tuple(None if point is None else float(point.number(catalog.QUEUE_DEPTH)) for point in points[1:]),
    )


def _paces(points: list[Point | None], instrument: Instrument) -> tuple[float | None, ...]:
    return tuple(
        Window(then, now).rate(instrument) if then is not None and now is not None and then.at < now.at else None
        for then, now in pairwise(points)
    )
