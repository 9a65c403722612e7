"""What the rules of the alerts ask of a store: how it is, how it was, and what has grown meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobledger._core import catalog
from jobledger._core.samples import COARSE
from jobledger._metrics.overview.history import NEAR
from jobledger._metrics.overview.point import Window
from jobledger._types import SECOND, micros, seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobledger._core.catalog import Instrument
    from jobledger._metrics.observed import Seen
    from jobledger._metrics.overview.history import History
    from jobledger._metrics.overview.point import Point
    from jobledger._types import Micros


class NotKnownError(Exception):
    """Nobody looked at the time that a rule asks about, so that it can't say."""


class Evidence:
    """One moment, now or in the past.

    What an index tells is known of now only. A job that is ready now was so since it became eligible, and one that
    runs now ran since it began: of the past that much is known, too.

    Args:
        now: the totals as they are.
        observed: what was found beside the ledger, as :func:`jobledger._metrics.observed.observed` gives it.
        history: the totals as they were.
        ago: seconds before now.

    Attributes:
        at: the moment.
    """

    def __init__(self, now: Point, observed: Mapping[str, Seen], history: History, ago: float = 0) -> None:
        """Look at a moment."""
        self._now = now
        self._observed = observed
        self._history = history
        self._ago = ago
        self.at: Micros = now.at - micros(ago)

    def before(self, ago: float) -> Evidence:
        """The same store, so many seconds before."""
        return Evidence(self._now, self._observed, self._history, self._ago + ago)

    @property
    def is_past(self) -> bool:
        """Whether it is not how things are now."""
        return bool(self._ago)

    @property
    def totals(self) -> Point:
        """The totals at this moment.

        Raises:
            NotKnownError: nobody looked then.
        """
        if not self._ago:
            return self._now
        point = self._history.as_of(self.at, self._now.at)
        if point is None:
            raise NotKnownError
        return point

    def number(self, instrument: Instrument, label: str) -> int:
        """A gauge of the ledger."""
        return self.totals.number(instrument, label)

    def window(self, length: float, offset: float = 0) -> Window:
        """The time of so many seconds up to this moment, or to so many seconds before it: as much of it as is known.

        Raises:
            NotKnownError: nothing is known of it.
        """
        if offset:
            return self.before(offset).window(length)
        now = self.totals
        then = self._history.first_from(self.at - micros(length), now.at)
        if then is None:
            raise NotKnownError
        return Window(then, now)

    def earlier(self, ago: float) -> Point | None:
        """The totals so many seconds before, if anybody looked then: there may be only coarse samples."""
        point = self.first_since(ago)
        return point if point is not None and point.at - (self.at - micros(ago)) <= COARSE * SECOND + NEAR else None

    def first_since(self, ago: float) -> Point | None:
        """The first totals that are known from so many seconds before on."""
        return self._history.first_from(self.at - micros(ago), self._now.at)

    def ready_for(self, label: str) -> float | None:
        """For how many seconds the oldest ready job has waited."""
        return self._age(catalog.OLDEST_READY, label)

    def parked_for(self, label: str) -> float | None:
        """For how many seconds the oldest parked job has waited behind others of its entity."""
        return self._age(catalog.OLDEST_PARKED, label)

    def running_for(self, label: str) -> float | None:
        """For how many seconds the longest attempt has run."""
        return self._age(catalog.OLDEST_RUNNING, label)

    def overdue(self, label: str) -> float:
        """How many attempts run although their timeout has passed."""
        return self._only_now(catalog.OVERDUE, label)

    def is_unhandled(self, label: str) -> bool:
        """Whether no live worker handles what is queued; a type that is handled now is taken to have been so."""
        return bool(self._seen(catalog.UNHANDLED, label))

    def unhandled(self, label: str) -> float:
        """How many queued jobs no live worker handles. Where none lives, that was so since the last one sampled."""
        value = self._seen(catalog.UNHANDLED, label) or 0
        if self._ago and (self._seen(catalog.WORKERS) or self._history.was_sampled(self.at - NEAR)):
            raise NotKnownError
        return value

    def read(self, instrument: Instrument) -> float:
        """A gauge of the whole store; 0 where it is absent."""
        return self._only_now(instrument)

    def _age(self, instrument: Instrument, label: str) -> float | None:
        since = self._seen(instrument, label)
        age = None if since is None else seconds(self.at) - since
        return None if age is None or age < 0 else age

    def _only_now(self, instrument: Instrument, label: str | None = None) -> float:
        if self._ago:
            raise NotKnownError
        return self._seen(instrument, label) or 0

    def _seen(self, instrument: Instrument, label: str | None = None) -> float | None:
        table = self._observed.get(instrument.series, {})
        return table.get(() if label is None else (("type", label),))
