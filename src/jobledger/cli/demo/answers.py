"""What the demo was answered when it submitted, cancelled, replayed and discarded: the callers' part of the truth."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum


class Heard(StrEnum):
    """What a caller was answered."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    CANCELLED = "cancelled"
    REPLAYED = "replayed"
    DISCARDED = "discarded"


class Answers:
    """A tally of answers, kept apart from the ledger."""

    def __init__(self) -> None:
        """Nothing heard."""
        self._count: Counter[tuple[str, Heard]] = Counter()

    def hear(self, type_name: str, answer: Heard) -> None:
        """Note an answer."""
        self._count[type_name, answer] += 1

    def heard(self, type_name: str, answer: Heard) -> int:
        """How often this answer was given."""
        return self._count[type_name, answer]
