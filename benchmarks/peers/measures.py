"""What is measured of each system."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Measure:
    """One number of a run.

    Attributes:
        name: how the driver reports it.
        unit: of the number.
        more: more is better.
    """

    name: str
    unit: str
    more: bool = False


DRAIN = Measure("drain", "jobs/s", more=True)
SUBMIT = Measure("submit, one by one", "jobs/s", more=True)
BATCH = Measure("submit, batches of 1,000", "jobs/s", more=True)
P50 = Measure("idle, from submit to handler, p50", "ms")
P99 = Measure("idle, from submit to handler, p99", "ms")
RSS = Measure("memory of the workers, RSS", "MiB")
PSS = Measure("memory of the workers, shared pages once (PSS)", "MiB")
LOG = Measure("write-ahead log per job", "bytes")
MADE = Measure("dead row versions made per job", "rows")
LEFT = Measure("dead rows that lie there at the end, per job", "rows")
ALL = (DRAIN, SUBMIT, BATCH, P50, P99, RSS, PSS, LOG, MADE, LEFT)
