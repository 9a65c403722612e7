"""Numbers in few characters: five at most, six for times."""

from __future__ import annotations

from typing import Final

NONE: Final = "-"
_THOUSANDS: Final = ("", "k", "M", "G", "T", "P", "E")
_EXACT: Final = 10_000
_TIMES: Final = (
    (0.01, 0.001, 1, "ms"), (1.0, 0.001, 0, "ms"), (10.0, 1.0, 1, "s"), (100.0, 1.0, 0, "s"), (600.0, 60.0, 1, "m"),
    (6_000.0, 60.0, 0, "m"), (36_000.0, 3_600.0, 1, "h"), (172_800.0, 3_600.0, 0, "h"), (864_000.0, 86_400.0, 1, "d"),
    (float("inf"), 86_400.0, 0, "d"),
)  # fmt: skip
"""Below which length, in which unit, with how many digits."""
_TEN: Final = 10
_HUNDRED: Final = 100


def count(value: int) -> str:
    """A number of jobs.

    Example:
        >>> count(0), count(9999), count(12_345), count(999_999), count(7_000_000)
        ('0', '9999', '12.3k', '1.00M', '7.00M')
    """
    return str(value) if abs(value) < _EXACT else _scaled(value)


def pace(value: float | None) -> str:
    """Something in one second.

    Example:
        >>> pace(None), pace(0), pace(0.004), pace(1.5), pace(42.123), pace(12_345)
        ('-', '0', '<.01', '1.50', '42.1', '12.3k')
    """
    if value is None:
        return NONE
    if not value:
        return "0"
    if value < 1 / _HUNDRED:
        return "<.01"
    return _scaled(value)


def time(value: float | None, *, above: bool = False) -> str:
    """A length of time in seconds; with ``above``, the value is only its lower bound.

    Example:
        >>> time(None), time(0), time(0.0004), time(0.0123), time(1.25), time(75), time(150), time(7300), time(200_000)
        ('-', '0s', '0.4ms', '12ms', '1.2s', '75s', '2.5m', '2.0h', '2.3d')
        >>> time(86_400, above=True)
        '>24h'
    """
    if value is None:
        return NONE
    if not value:
        return "0s"
    unit, digits, name = next((unit, digits, name) for limit, unit, digits, name in _TIMES if value < limit)
    return f"{'>' if above else ''}{value / unit:.{digits}f}{name}"


def _scaled(value: float) -> str:
    power = 0
    while abs(value) >= 999.5 and power < len(_THOUSANDS) - 1:  # noqa: PLR2004 - what would be four digits
        value, power = value / 1000, power + 1
    digits = 2 if abs(value) < _TEN else 1 if abs(value) < _HUNDRED else 0
    return f"{value:.{digits}f}{_THOUSANDS[power]}"
