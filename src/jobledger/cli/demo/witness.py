"""The ground truth: what handlers and callers saw with their own eyes, kept apart from the ledger."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from jobledger.errors import AttemptStopped

if TYPE_CHECKING:
    from collections.abc import Generator

    from jobledger import Context


class Saw(StrEnum):
    """How an attempt ended, as its handler saw it."""

    NOTHING = "nothing yet"
    RETURNED = "returned"
    RAISED = "raised"
    STOPPED = "stopped"


class Sighting(msgspec.Struct):
    """One attempt, as its handler saw it.

    Attributes:
        began: when, in seconds; ``ended`` likewise.
        lines: how many lines it counted with ``ctx.metrics``.
    """

    job_id: str
    type: str
    entity: str | None
    attempt: int
    began: float
    ended: float = 0.0
    saw: Saw = Saw.NOTHING
    lines: int = 0

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.ended - self.began


class Heard(StrEnum):
    """What a caller was answered."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    CANCELLED = "cancelled"
    REPLAYED = "replayed"
    DISCARDED = "discarded"


class Witness:
    """An append-only list of sightings, and a tally of answers."""

    def __init__(self) -> None:
        """Nothing seen or heard."""
        self.sightings: list[Sighting] = []
        self._answers: Counter[tuple[str, Heard]] = Counter()

    @contextmanager
    def attempt(self, ctx: Context) -> Generator[Sighting]:
        """Stand beside an attempt; whatever ends it goes on its way."""
        sighting = Sighting(ctx.job_id, ctx.type, ctx.entity, ctx.attempt, time.perf_counter())
        self.sightings.append(sighting)
        try:
            yield sighting
            sighting.saw = Saw.RETURNED
        except (asyncio.CancelledError, AttemptStopped):
            sighting.saw = Saw.STOPPED
            raise
        except BaseException:
            sighting.saw = Saw.RAISED
            raise
        finally:
            sighting.ended = time.perf_counter()

    def hear(self, type_name: str, answer: Heard) -> None:
        """Note an answer."""
        self._answers[type_name, answer] += 1

    def heard(self, type_name: str, answer: Heard) -> int:
        """How often this answer was given."""
        return self._answers[type_name, answer]

    def of(self, type_name: str, *saw: Saw) -> list[Sighting]:
        """The attempts of a type that ended in one of these ways."""
        return [one for one in self.sightings if one.type == type_name and one.saw in saw]
