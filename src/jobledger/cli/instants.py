"""Instants as people type them: how long ago, or when."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from jobledger.errors import InvalidOption

_UNITS: Final = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400, "w": 604_800}
_PART: Final = re.compile(rf"(\d+(?:\.\d+)?)({'|'.join(sorted(_UNITS, key=len, reverse=True))})")
_WHOLE: Final = re.compile(rf"(?:{_PART.pattern})+")
_LONGEST: Final = 100 * 365 * 86_400


def instant(text: str | None, option: str, now: datetime) -> datetime | None:
    """So long ago (``90s``, ``15m``, ``2h``, ``1h30m``, ``7d``, ``2w``), or an ISO time, UTC unless it says otherwise.

    Raises:
        InvalidOption: it is neither.

    Example:
        >>> instant("1h30m", "--since", datetime(2026, 1, 2, 12, tzinfo=UTC)).isoformat()
        '2026-01-02T10:30:00+00:00'
    """
    if text is None:
        return None
    ago = _length(text)
    if ago is not None and ago <= _LONGEST:
        return now - timedelta(seconds=ago)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidOption(
            f"{option} must be a length of time such as 90s, 15m, 2h or 7d, or a time such as 2026-01-31T14:30 (UTC), "
            f"not {text!r}"
        ) from None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _length(text: str) -> float | None:
    if _WHOLE.fullmatch(text) is None:
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
