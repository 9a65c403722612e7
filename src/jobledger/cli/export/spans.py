"""Lengths of time as options take them, down to milliseconds."""

from __future__ import annotations

import re
from typing import Final

from jobledger.errors import InvalidOption

_UNITS: Final = {"ms": 0.001, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400, "w": 604_800}
_PART: Final = re.compile(rf"(\d+(?:\.\d+)?)({'|'.join(sorted(_UNITS, key=len, reverse=True))})", re.ASCII)
_WHOLE: Final = re.compile(rf"(?:{_PART.pattern})+", re.ASCII)
_SECONDS: Final = re.compile(r"\d+(?:\.\d+)?", re.ASCII)
_LONGEST: Final = 20
"""Characters of a length that anybody would type."""


def seconds_of(text: str, option: str) -> float:
    """A length of time in seconds: ``30s``, ``5m``, ``1h30m``, ``250ms``; a bare number is seconds.

    Raises:
        InvalidOption: it is none.

    Example:
        >>> seconds_of("1h30m", "--oldest-ready"), seconds_of("2.5ms", "--slo-wait")
        (5400.0, 0.0025)
    """
    if len(text) <= _LONGEST and _SECONDS.fullmatch(text):
        return float(text)
    if len(text) > _LONGEST or not _WHOLE.fullmatch(text):
        raise InvalidOption(f"{option} must be a length of time such as 30s, 5m, 1h30m or 250ms, not {text!r}")
    return float(sum(round(float(number) * _UNITS[unit] * 1_000_000) for number, unit in _PART.findall(text))) / 1e6
