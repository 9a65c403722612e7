"""Numbers in the texts of alerts, as Prometheus writes them.

Source: Prometheus, template/template.go, ``humanizeDuration`` and ``humanizePercentage``.
"""

from __future__ import annotations

import math
from typing import Final

_UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "m"))
_SMALL: Final = ("m", "u", "n", "p", "f", "a", "z", "y")


class Humanized:
    """What an alert's expression gave, for its text.

    Args:
        value: seconds, a share or a count; the text knows which.

    Example:
        >>> Humanized(420).time, Humanized(0.06667).percent, Humanized(3).count
        ('7m 0s', '6.667%', '3')
    """

    __slots__ = ("_value",)

    def __init__(self, value: float) -> None:
        """Keep it."""
        self._value = value

    @property
    def time(self) -> str:
        """As a length of time."""
        size = abs(self._value)
        if size < 1:
            return self._tiny(size)
        if size < _UNITS[-1][0]:
            return f"{_sign(self._value)}{size:.4g}s"
        left, parts = int(size), list[str]()
        for unit, name in _UNITS:
            whole, left = divmod(left, unit)
            if whole or parts:
                parts.append(f"{whole}{name}")
        return _sign(self._value) + " ".join([*parts, f"{left}s"])

    def _tiny(self, size: float) -> str:
        prefix = ""
        for name in _SMALL if size else ():
            if size >= 1:
                break
            prefix, size = name, size * 1000
        return f"{_sign(self._value)}{size:.4g}{prefix}s"

    @property
    def percent(self) -> str:
        """As a percentage."""
        return f"{self._value * 100:.4g}%"

    @property
    def count(self) -> str:
        """As a whole number."""
        return f"{self._value:.0f}"


def _sign(value: float) -> str:
    return "-" if math.copysign(1, value) < 0 else ""
