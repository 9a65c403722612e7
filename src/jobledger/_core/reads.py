"""What reading the books gives: plain data from one snapshot."""

from __future__ import annotations

import msgspec

from jobledger._core.deltas import Cell
from jobledger._core.job import Event, Job
from jobledger._core.priority import Priority
from jobledger._core.retry import DEFAULT_MAX_ATTEMPTS, DEFAULT_MAX_LOSSES
from jobledger._types import Micros


class JobType(msgspec.Struct, frozen=True):
    """A type as the store knows it: its label is fixed at the first declaration, its defaults at the last."""

    type_id: int
    name: str
    label: str
    priority: int = int(Priority.NORMAL)
    max_attempts: int = DEFAULT_MAX_ATTEMPTS
    max_losses: int = DEFAULT_MAX_LOSSES
    timeout: Micros | None = None


class UserSeries(msgspec.Struct, frozen=True):
    """A series of the users' own."""

    number: int
    name: str
    kind: str
    labels: tuple[tuple[str, str], ...]
    help: str = ""


class Probe(msgspec.Struct, frozen=True):
    """Per type, what an index tells at read."""

    type_id: int
    oldest_ready: Micros | None
    oldest_parked: Micros | None
    oldest_running: Micros | None
    last_completed: Micros | None
    overdue: int = 0


class LedgerRead(msgspec.Struct, frozen=True):
    """The books, from one snapshot.

    Attributes:
        as_of: when it was read.
        cells: every cell of the ledger, over all writers.
        unfolded: counts that stand beside the ledger.
        store_id: differs from that of any other store.
        began_at: when all cells were zero.
    """

    as_of: Micros
    cells: dict[Cell, int]
    types: tuple[JobType, ...]
    user_series: tuple[UserSeries, ...]
    probes: tuple[Probe, ...]
    workers: int
    slots: int
    used: int
    handled: frozenset[int]
    samples: dict[str, int]
    sampled_at: Micros | None
    boundaries: tuple[float, ...]
    unfolded: int = 0
    store_id: str = ""
    began_at: Micros = 0


class RowCount(msgspec.Struct, frozen=True):
    """How many rows of one type and lane there are."""

    type_id: int
    lane: str
    priority: int
    rows: int
    starts: int


class Finding(msgspec.Struct, frozen=True):
    """A broken structural rule, with up to ten of its rows."""

    rule: str
    rows: int
    examples: tuple[str, ...] = ()


class AuditRead(msgspec.Struct, frozen=True):
    """All that an audit needs, from one snapshot."""

    ledger: LedgerRead
    rows: tuple[RowCount, ...]
    findings: tuple[Finding, ...]
    rules: tuple[str, ...]


class Record(msgspec.Struct, frozen=True):
    """All that is known of one job."""

    job: Job
    type: JobType
    payload: bytes
    history: tuple[Event, ...]
