"""Looking at a store again and again."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Final, Protocol

from jobledger._core.catalog import ENTITIES_ACTIVE, PARKED
from jobledger._core.samples import FINE
from jobledger._escape import brief
from jobledger._metrics.observed import observed
from jobledger._metrics.overview import figured
from jobledger._metrics.overview.evidence import Evidence
from jobledger._metrics.overview.figures import Entities, Overview
from jobledger._metrics.overview.history import History
from jobledger._metrics.overview.judge import Judge
from jobledger._metrics.overview.pictured import picture
from jobledger._metrics.overview.point import Point, Window
from jobledger._types import SECOND, seconds
from jobledger.errors import InvalidOption

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from jobledger._core.overview import OverviewRead
    from jobledger._core.reads import LedgerRead
    from jobledger._core.samples import TotalsAt
    from jobledger._metrics.overview.figures import Picture
    from jobledger._types import Micros

WINDOW: Final[Micros] = (60 + FINE) * SECOND
"""Paces and spreads are of the last minute; a sample of a worker is up to ten seconds from where it begins."""
LISTED: Final = 50
"""Mailboxes, dead letters and retries that an overview looks at."""


class Readable(Protocol):
    """What a store gives to a watcher; see :class:`jobledger._store.contract.Store`."""

    def overview(self, limit: int) -> OverviewRead:
        """See there."""
        ...

    def total_from(self, at: Micros) -> TotalsAt | None:
        """See there."""
        ...


class Watcher:
    """Overviews of one store. It remembers what it saw, so that a second one tells more than the first.

    Args:
        types: only these; none means all.
    """

    def __init__(self, types: Collection[str] = ()) -> None:
        """Nothing was seen."""
        self._types = tuple(types)
        self._judge = Judge()
        self._store: Readable | None = None
        self._now: Point | None = None
        self._labels: dict[int, str] = {}
        self._ladder: tuple[float, ...] = ()
        self._history = History(self._read, self._point)

    def look(self, store: Readable) -> Overview:
        """The store as it is now: one read of it, and samples that were not read before.

        Args:
            store: the same as last time, or the one that came in its place.

        Raises:
            InvalidOption: a type is not known.
            StoreError: it can't be read.
        """
        self._store = store
        read = store.overview(LISTED)
        self._labels = {type_.type_id: type_.label for type_ in read.ledger.types}
        self._ladder = read.ledger.boundaries
        now = self._now = Point(read.ledger.as_of, read.ledger.cells, self._labels, self._ladder)
        if self._history.see(now, read.ledger.store_id):
            self._judge.forget()
        return self._told(read, now)

    def picture(self) -> Picture:
        """The hour up to the last look."""
        assert self._now is not None, "look first"  # noqa: S101 - a slip of the caller
        return picture(self._history, self._now)

    def _told(self, read: OverviewRead, now: Point) -> Overview:
        ledger, labels = read.ledger, self._labels
        then = self._history.first_from(now.at - WINDOW, now.at)
        window = None if then is None else Window(then, now)
        seen = observed(ledger)
        wanted = self._wanted(ledger)
        verdict = self._judge.judge(Evidence(now, seen, self._history), wanted, self._ladder)
        counted = figured.Counted(now, window, seen)
        workers = tuple(figured.worker(one, now.at, labels) for one in read.workers)
        live = [one for one in workers if one.state == "live"]
        of_type = [one for one in read.failing if labels.get(one.type_id) in wanted]
        return Overview(
            as_of=seconds(now.at),
            window=None if window is None else window.seconds,
            books=figured.books(read),
            live_workers=len(live),
            slots=sum(one.slots for one in live),
            busy=sum(one.running for one in live),
            workers=workers,
            gone=tuple(figured.gone(one, now.at) for one in read.gone),
            entities=self._entities(read),
            all=counted.of(None),
            types=tuple(map(counted.of, wanted)),
            failing=figured.failing(tuple(of_type), labels),
            alerts=verdict.standing,
            not_judged=verdict.unjudged,
        )

    def _entities(self, read: OverviewRead) -> Entities:
        parked = sum(amount for cell, amount in read.ledger.cells.items() if cell.number == PARKED.number)
        active = read.ledger.samples.get(ENTITIES_ACTIVE.attribute)
        return Entities(active, parked, read.counted, figured.mailboxes(read, self._labels))

    def _wanted(self, ledger: LedgerRead) -> tuple[str, ...]:
        known: Mapping[str, str] = {one.name: one.label for one in ledger.types} | {
            one.label: one.label for one in ledger.types
        }
        for name in self._types:
            if name not in known:
                near = get_close_matches(name, known, n=3) or sorted(known)[:5]
                hint = f"did you mean {', '.join(map(brief, near))}?" if near else "no type is known yet"
                raise InvalidOption(f"unknown type {brief(name)}: {hint}")
        return tuple(sorted({known[name] for name in self._types or known}))

    def _read(self, at: Micros) -> TotalsAt | None:
        return None if self._store is None else self._store.total_from(at)

    def _point(self, total: TotalsAt) -> Point:
        return Point(total.at, total.cells, self._labels, self._ladder)
