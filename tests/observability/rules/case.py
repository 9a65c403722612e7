"""A case for the rules: what Prometheus scrapes for a while, and which alerts fire of it.

A case says only what differs from a calm system: 60 jobs of email.send and one of report.render are done in a minute,
of 100 slots ten are in use, and import.csv is known and was never used. Series are named in full, and not taken from
the catalog: a renamed one breaks its cases. A minute is one scrape.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Values: TypeAlias = str
"""As promtool writes them: ``1+2x3`` is 1 3 5 7, ``4x2`` is 4 4 4.

``stale`` is a series that is gone, or whose scrape failed: Prometheus notes it. ``_`` is nothing at all.
"""

MAIL: Final = 'type="email.send"'
REPORT: Final = 'type="report.render"'
IMPORT: Final = 'type="import.csv"'
NORMAL: Final = 'priority="normal"'
TARGET: Final = 'job="jobs",instance="web:9464"'
AS_OF: Final = "jobs_ledger_as_of_timestamp_seconds"
LONG: Final = 2000
"""Scrapes that outlast every case."""

_COUNTERS: Final = (
    "jobs_cancelled_total", "jobs_dead_lettered_total", "jobs_failed_total", "jobs_retried_total", "jobs_lost_total",
    "jobs_stale_settlements_total", "jobs_released_total", "jobs_replayed_total", "jobs_discarded_total",
)  # fmt: skip
_GAUGES: Final = ("jobs_dlq_size", "jobs_overdue", "jobs_unhandled", "jobs_parked")
_PART: Final = re.compile(r"(stale|_|-?[0-9.]+)(?:([+-][0-9.]+))?(?:x([0-9]+))?")


@dataclass(frozen=True, kw_only=True)
class Case:
    """One story, the alerts that fire at a minute of it, and those that fired at any time.

    Attributes:
        name: what happens.
        alert: the alert that it is about.
        at: the minute that is looked at.
        changes: series and their values, in place of the calm ones or beside them.
        fires: the alerts that fire then, without ``Jobledger`` before their names.
        passed: the alerts that fired at another minute.
        says: the summary of `alert`, if it fires.
        type: the type whose alerts fire.
        calm: whether the calm system is there at all.
        failing: from which minute on, and until which, scrapes fail.
        paused: from which minute on, and until which, Prometheus does not scrape.
        every: minutes between two evaluations: a story of days is told faster with more.
        options: words for `jobledger export alerts`.
    """

    name: str
    at: int
    alert: str = ""
    changes: Mapping[str, Values]
    fires: tuple[str, ...] = ()
    passed: tuple[str, ...] = ()
    says: str = ""
    type: str = "email.send"
    calm: bool = True
    failing: tuple[int, int] = (0, 0)
    paused: tuple[int, int] = (0, 0)
    every: int = 1
    options: tuple[str, ...] = ()

    @property
    def series(self) -> dict[str, Values]:
        """Everything that is scraped."""
        found = (calm() if self.calm else {}) | dict(self.changes)
        return {_full(name): self._scraped(values) for name, values in found.items()}

    def _scraped(self, values: Values) -> Values:
        """As far as it is looked at, and without what is not scraped."""
        each = list(_each(values, self.at + 1))
        for mark, (begin, end) in (("stale", self.failing), ("_", self.paused)):
            each[begin:end] = [mark] * len(each[begin:end])
        return " ".join(each)


def counter(*phases: tuple[int, float], start: float = 0) -> Values:
    """So many minutes, and how much it grows in each of them.

    Example:
        >>> counter((2, 5), (3, 0))
        '0+5x2 10+0x2'
    """
    parts: list[str] = []
    value = start
    for number, (minutes, pace) in enumerate(phases):
        begin, steps = (value + pace, minutes - 1) if number else (value, minutes)
        parts.append(f"{begin:g}+{pace:g}x{steps}")
        value = begin + pace * steps
    return " ".join(parts)


def gauge(*phases: tuple[int, float | None]) -> Values:
    """So many minutes, and its value in them; None is a scrape without the series.

    Example:
        >>> gauge((2, None), (3, 7))
        'stalex1 7x2'
    """
    return " ".join(f"{'stale' if value is None else f'{value:g}'}x{minutes - 1}" for minutes, value in phases)


def every(minutes: int) -> Values:
    """One more in so many minutes."""
    return " ".join(f"{number}x{minutes - 1}" for number in range(LONG // minutes))


def waits(type_: str, within: Values, starts: Values) -> dict[str, Values]:
    """The wait of a type: starts within thirty seconds, and all of them."""
    return {
        f'jobs_wait_duration_seconds_bucket{{{type_},{NORMAL},le="30.0"}}': within,
        f'jobs_wait_duration_seconds_bucket{{{type_},{NORMAL},le="+Inf"}}': starts,
        f"jobs_wait_duration_seconds_count{{{type_},{NORMAL}}}": starts,
    }


def calm() -> dict[str, Values]:
    """What is scraped when all is well."""
    found: dict[str, Values] = {
        AS_OF: f"0+60x{LONG}",
        "jobs_series_overflowed": f"0x{LONG}",
        "jobs_ledger_imbalance": f"0x{LONG}",
        "jobs_sampled_timestamp_seconds": f"0+60x{LONG}",
        "jobs_workers": f"2x{LONG}",
        'jobs_worker_slots{state="free"}': f"90x{LONG}",
        'jobs_worker_slots{state="used"}': f"10x{LONG}",
    }
    for type_, pace in ((MAIL, 60), (REPORT, 1), (IMPORT, 0)):
        found |= known(type_, f"0+{pace}x{LONG}")
    for type_ in (MAIL, REPORT):
        found[f"jobs_oldest_running_timestamp_seconds{{{type_}}}"] = f"-5+60x{LONG}"
    return found


def known(type_: str, events: Values) -> dict[str, Values]:
    """All series of a type whose jobs are done as fast as they come."""
    both = f"{{{type_},{NORMAL}}}"
    return {
        f"jobs_enqueued_total{both}": events,
        f"jobs_completed_total{{{type_}}}": events,
        **waits(type_, events, events),
        f"jobs_queue_depth{both}": f"0x{LONG}",
        f"jobs_running{both}": f"0x{LONG}",
        f"jobs_scheduled{both}": f"0x{LONG}",
        **{f"{name}{{{type_}}}": f"0x{LONG}" for name in (*_COUNTERS, *_GAUGES)},
    }


def _full(name: str) -> str:
    """With the target's labels, unless the case names a target."""
    if "instance=" in name:
        return name
    family, brace, labels = name.partition("{")
    return f"{family}{{{TARGET},{labels}" if brace else f"{family}{{{TARGET}}}"


def _each(values: Values, scrapes: int) -> Iterator[str]:
    """The values one by one, up to a number of scrapes."""
    for part in values.split():
        found = _PART.fullmatch(part)
        assert found, part
        first, step, times = found.groups()
        for number in range(min(int(times or 0) + 1, scrapes)):
            scrapes -= 1
            yield first if step is None else str(float(first) + float(step) * number)
