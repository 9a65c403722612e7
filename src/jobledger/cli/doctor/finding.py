"""What a check comes to."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    BROKEN = "broken"


class Finding(msgspec.Struct, frozen=True):
    """What was seen, and what to do about it if it is not ok."""

    level: Level
    what: str
    do: str = ""


def ok(what: str) -> Finding:
    """As it should be."""
    return Finding(Level.OK, what)


def warning(what: str, do: str) -> Finding:
    """It works, but something will go wrong or is slower than it could be."""
    return Finding(Level.WARNING, what, do)


def broken(what: str, do: str) -> Finding:
    """It does not work."""
    return Finding(Level.BROKEN, what, do)
