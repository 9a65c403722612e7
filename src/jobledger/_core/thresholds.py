"""From which values on the alerts fire."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Final

import msgspec

from jobledger._types import micros
from jobledger.errors import InvalidOption

if TYPE_CHECKING:
    from collections.abc import Mapping

MINUTE: Final = 60.0
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
FAST_BURN: Final = 14.4
"""So many times too fast, an error budget of 30 days loses 2 % in an hour."""
SLOW_BURN: Final = 6.0
"""So many times too fast, an error budget of 30 days loses 5 % in six hours."""


class Thresholds(msgspec.Struct, frozen=True, kw_only=True):
    """What the alerts compare with; times are in seconds.

    Attributes:
        oldest_ready: how long a ready job may wait.
        oldest_parked: how long a job may wait behind other jobs of its entity.
        stalled: how long nothing may start while a job is ready.
        unhandled: how long due jobs may be without a live worker for their type.
        slo_wait: the wait that the objective allows; a boundary of the store's ladder.
        slo_target: the share of starts that must not wait longer.
        failure_ratio: the share of attempts that may fail.
        retry_ratio: how many retries there may be for each completion.
        min_attempts: below so many attempts a share says nothing.
        collapse: the share of its usual pace that a type must keep.
        dlq_growth: how many dead letters within an hour are one too many.
        dlq_unattended: how long dead letters may stay without getting fewer.
        losses: how many attempts lost with their workers, within a quarter of an hour, are one too many.
        hung: how long an attempt may run, whatever its timeout.
        stale: how old the metrics may be.

    Example:
        >>> Thresholds(oldest_ready=600).oldest_ready
        600
    """

    oldest_ready: float = 5 * MINUTE
    oldest_parked: float = 15 * MINUTE
    stalled: float = 5 * MINUTE
    unhandled: float = 2 * MINUTE
    slo_wait: float = 30.0
    slo_target: float = 0.99
    failure_ratio: float = 0.05
    retry_ratio: float = 1.0
    min_attempts: int = 20
    collapse: float = 0.1
    dlq_growth: int = 1
    dlq_unattended: float = DAY
    losses: int = 1
    hung: float = 6 * HOUR
    stale: float = 2 * MINUTE


DEFAULTS: Final = Thresholds()
TIMES: Final = frozenset(
    {"oldest_ready", "oldest_parked", "stalled", "unhandled", "slo_wait", "dlq_unattended", "hung", "stale"}
)
"""Those that are lengths of time."""
_SPANS: Final = {"d": DAY, "h": HOUR, "m": MINUTE, "s": 1.0, "ms": 0.001}
_SPAN: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|[dhms])", re.ASCII)
_MOST: Final = 1_000_000
_RANGES: Final[Mapping[str, tuple[float, float]]] = {
    "oldest_ready": (1, 30 * DAY),
    "oldest_parked": (1, 30 * DAY),
    "stalled": (MINUTE, DAY),
    "unhandled": (1, DAY),
    "slo_target": (0.95, 0.99999),
    "failure_ratio": (0, 0.99),
    "retry_ratio": (0, 1000),
    "min_attempts": (1, _MOST),
    "collapse": (0.001, 0.9),
    "dlq_growth": (1, _MOST),
    "dlq_unattended": (HOUR, 14 * DAY),
    "losses": (1, _MOST),
    "hung": (MINUTE, 30 * DAY),
    "stale": (10, DAY),
}
"""Beyond these an alert could never fire, would always fire, or asks for more than Prometheus keeps."""


def checked(thresholds: Thresholds, ladder: tuple[float, ...]) -> Thresholds:
    """The same thresholds, if they make sense.

    Args:
        thresholds: to be checked.
        ladder: the boundaries of the store's histograms, in seconds.

    Raises:
        InvalidOption: one is out of its range, or the wait of the objective is no boundary; names what would do.
    """
    for name, (least, most) in _RANGES.items():
        value: float = getattr(thresholds, name)
        if not least <= value <= most:
            shown = span if name in TIMES else "{:,.10g}".format
            raise InvalidOption(f"{option(name)} must be from {shown(least)} to {shown(most)}, not {shown(value)}")
        if name in TIMES and micros(value) % 1000:
            raise InvalidOption(f"{option(name)} must be whole milliseconds, not {span(value)}")
    if thresholds.slo_wait not in ladder:
        near = " or ".join(span(bound) for bound in _nearest(thresholds.slo_wait, ladder))
        raise InvalidOption(
            f"{option('slo_wait')} must be a boundary of the histograms, and {span(thresholds.slo_wait)} is none: "
            f"use {near}; if the store has boundaries of its own, name it with --url"
        )
    return thresholds


def option(name: str) -> str:
    """What sets a threshold on the command line: ``oldest_ready`` is ``--oldest-ready``."""
    return f"--{name.replace('_', '-')}"


def span(seconds: float) -> str:
    """A length of time, as Prometheus and people write it.

    Example:
        >>> span(5400), span(0.25), span(0.0025), span(90061)
        ('1h30m', '250ms', '2.5ms', '1d1h1m1s')
    """
    if not math.isfinite(seconds) or seconds < 0:
        return f"{seconds:g}s"
    left, parts = round(seconds * 1_000_000), ""
    for unit, size in (("d", 86_400_000_000), ("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000)):
        whole, left = divmod(left, size)
        parts += f"{whole}{unit}" if whole else ""
    return parts + (f"{left / 1000:g}ms" if left or not parts else "")


def unspanned(text: str) -> float:
    """The seconds that :func:`span` wrote.

    Example:
        >>> unspanned("1h30m"), unspanned("2.5ms"), unspanned("0s")
        (5400.0, 0.0025, 0.0)
    """
    return sum(float(number) * _SPANS[unit] for number, unit in _SPAN.findall(text))


def _nearest(wanted: float, ladder: tuple[float, ...]) -> list[float]:
    """The boundaries around a time; the first or the last one beyond them."""
    below = [bound for bound in ladder if bound < wanted][-1:]
    above = [bound for bound in ladder if bound > wanted][:1]
    return below + above or list(ladder[-1:])
