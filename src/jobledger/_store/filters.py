"""From what a caller asks of a list to a Filter: whatever can be wrong is found here, before anything is read."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Final, TypedDict, TypeVar, cast

from jobledger._core.job import ENDED, STATUS_OF, Lane, Status
from jobledger._core.outcome import Reason
from jobledger._escape import brief
from jobledger._store.contract import Filter, Window
from jobledger._store.intake import instant_of, name_of
from jobledger.errors import InvalidOption

if TYPE_CHECKING:
    from enum import StrEnum

Word = TypeVar("Word", bound="StrEnum")
_CURSOR_DIGITS: Final = 19
"""Cursors are the store's row numbers, which have fewer."""


class Filters(TypedDict, total=False):
    """Which jobs a list shows; what is left out, or None, is any.

    Attributes:
        status: queued, processing, complete, failed, cancelled or discarded; or several of them.
        lane: for what a queued job waits: ready (for a slot), parked (for another job of its entity) or scheduled (for
            its time: a delay, or the back-off of a retry); or several of them.
        type: the name of a type; or several.
        entity: whose mailbox they go through.
        batch: the id that they were submitted with.
        reason: why they failed, or ended as they did, such as ``"Timeout"``.
        submitted_since: accepted at this instant or later; all instants have a time zone.
        submitted_until: accepted before this instant.
        ended_since: ended at this instant or later.
        ended_until: ended before this instant.
    """

    status: str | Iterable[str] | None
    lane: str | Iterable[str] | None
    type: str | Iterable[str] | None
    entity: str | None
    batch: str | None
    reason: str | None
    submitted_since: datetime | None
    submitted_until: datetime | None
    ended_since: datetime | None
    ended_until: datetime | None


def filter_of(filters: Filters, types: tuple[int, ...] | None, *, newest_first: bool) -> Filter:
    """A checked Filter; ``types`` are the numbers of those that are asked for.

    Raises:
        InvalidOption: there is no such filter, status, lane or reason, or they contradict each other.
    """
    unknown = sorted(set(filters) - set(Filters.__annotations__))
    if unknown:
        raise InvalidOption(f"there is no filter {unknown[0]!r}: use {', '.join(Filters.__annotations__)}")
    lanes, ended = _lanes(filters), _window(filters, "ended")
    if lanes is not None and ended != Window() and not any(STATUS_OF[lane] in ENDED for lane in lanes):
        words = " or ".join(dict.fromkeys(STATUS_OF[lane] for lane in lanes))
        raise InvalidOption(f"a job that is {words} has not ended: leave ended_since and ended_until out")
    reason = filters.get("reason")
    return Filter(
        lanes=lanes, types=types, entity=name_of(filters.get("entity"), "entity"),
        batch=name_of(filters.get("batch"), "batch"),
        reason=None if reason is None else _word(Reason, reason, "reason"),
        submitted=_window(filters, "submitted"), ended=ended, newest_first=newest_first,
    )  # fmt: skip


def several(value: object, what: str) -> tuple[str, ...] | None:
    """One word, or several; None for any.

    Raises:
        InvalidOption: it is neither, or there is no word in it.
    """
    if value is None:
        return None
    words = [value] if isinstance(value, str) else [*cast("Iterable[object]", value)] if _is_many(value) else []
    found = tuple(word for word in words if isinstance(word, str))
    if not found or len(found) < len(words):
        raise InvalidOption(f"{what} is a word or several, not {brief(value)}: leave it out for any")
    return found


def cursor_of(after: object) -> int | None:
    """The row number that a cursor stands for; None is the beginning.

    Raises:
        InvalidOption: it isn't one of ours.
    """
    if after is None:
        return None
    if not isinstance(after, str) or not (after.isascii() and after.isdecimal() and len(after) < _CURSOR_DIGITS):
        message = f"after must be the `next` of an earlier page, not {brief(after)}"
        raise InvalidOption(message)
    return int(after)


def _lanes(filters: Filters) -> tuple[Lane, ...] | None:
    """What is asked for by status and by lane."""
    statuses = _words(Status, several(filters.get("status"), "status"), "status")
    lanes = _words(Lane, several(filters.get("lane"), "lane"), "lane")
    if statuses is None:
        return lanes
    of_statuses = tuple(one for one in Lane if STATUS_OF[one] in statuses)
    found = of_statuses if lanes is None else tuple(one for one in lanes if one in of_statuses)
    if not found:
        raise InvalidOption(f"no job is {' or '.join(statuses)} and in the lane {' or '.join(lanes or ())}")
    return found


def _window(filters: Filters, what: str) -> Window:
    asked = cast("dict[str, object]", filters)
    since, until = (asked.get(f"{what}_{end}") for end in ("since", "until"))
    window = Window(instant_of(since, f"{what}_since"), instant_of(until, f"{what}_until"))
    if window.since is not None and window.until is not None and window.since >= window.until:
        raise InvalidOption(f"{what}_since must be before {what}_until: {since} is not before {until}")
    return window


def _is_many(value: object) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, bytes)


def _words(kind: type[Word], words: tuple[str, ...] | None, what: str) -> tuple[Word, ...] | None:
    return None if words is None else tuple(dict.fromkeys(_word(kind, word, what) for word in words))


def _word(kind: type[Word], word: object, what: str) -> Word:
    found = next((one for one in kind if one == word), None)
    if found is None:
        raise InvalidOption(f"unknown {what} {brief(word)}: use one of {', '.join(kind)}")
    return found
