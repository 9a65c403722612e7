"""The plain types that every layer shares."""

from __future__ import annotations

from typing import Literal, Self, TypeAlias

Micros: TypeAlias = int
"""Microseconds: an instant since 1970 (UTC), or a length of time."""

OnRetry: TypeAlias = Literal["block", "step-aside"]
OnDuplicate: TypeAlias = Literal["return", "raise"]

SECOND: Micros = 1_000_000


def micros(seconds: float) -> Micros:
    """Seconds as whole microseconds."""
    return round(seconds * SECOND)


def seconds(value: Micros) -> float:
    """Microseconds as seconds."""
    return value / SECOND


class JobId(str):
    """A job's id: a UUIDv7 as text, made by the client before the first send.

    Attributes:
        created: False when a held dedupe key gave back an existing job.

    Example:
        >>> JobId("0193…", created=False).created
        False
    """

    __slots__ = ("created",)
    created: bool

    def __new__(cls, value: str, *, created: bool = True) -> Self:
        """Wrap an id."""
        self = super().__new__(cls, value)
        self.created = created
        return self
