"""Instants and lengths of time, as people say them."""

from __future__ import annotations

from datetime import UTC, datetime

_MINUTE = 60
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR
_FEW = 2


def length(seconds: float) -> str:
    """A length of time, roughly.

    Example:
        >>> length(0.0123), length(75), length(7300)
        ('12 ms', '75 s', '122 min')
    """
    size = abs(seconds)
    if size < 1:
        return f"{int(size * 1000)} ms"
    for unit, name in ((_DAY, "days"), (_HOUR, "h"), (_MINUTE, "min")):
        if size >= _FEW * unit:
            return f"{size / unit:.0f} {name}"
    return f"{size:.0f} s"


def away(at: datetime, now: datetime | None = None) -> str:
    """How far an instant is away: ``3 s ago``, ``in 2 h``."""
    seconds = (at - (now or datetime.now(UTC))).total_seconds()
    return f"in {length(seconds)}" if seconds > 0 else f"{length(seconds)} ago"


def clock(at: datetime) -> str:
    """An instant to the millisecond, UTC."""
    return at.astimezone(UTC).isoformat(sep=" ", timespec="milliseconds").replace("+00:00", "Z")


def clock_and_away(at: datetime) -> str:
    """An instant, and how far it is away."""
    return f"{clock(at)}  ({away(at)})"
