"""A small picture of the past, one character for each step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_BARS: Final = "▁▂▃▄▅▆▇█"
_UNKNOWN: Final = " "


def spark(values: Sequence[float | None]) -> str:
    """Bars from zero to the highest value; a blank where nothing is known.

    Example:
        >>> spark([0, 1, None, 7, 3.5])
        '▁▂ █▅'
    """
    top = max((value for value in values if value is not None), default=0)
    return "".join(_UNKNOWN if value is None else _bar(value, top) for value in values)


def _bar(value: float, top: float) -> str:
    if value <= 0:
        return _BARS[0]
    return _BARS[max(1, round(value / top * (len(_BARS) - 1)))]
