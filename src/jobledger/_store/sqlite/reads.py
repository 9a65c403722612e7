"""Reading: each from one snapshot, and never in the writer's way."""

from __future__ import annotations

import json
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from jobledger._core.deltas import Cell
from jobledger._core.reads import AuditRead, Finding, JobType, LedgerRead, Probe, Record, RowCount, UserSeries
from jobledger._store import rows
from jobledger._store.sqlite.connection import PACKAGE
from jobledger._store.sqlite.pages import SQL, WORD
from jobledger._store.statements import statements

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import TypeAlias

    import apsw

    from jobledger._types import Micros

if TYPE_CHECKING:
    HasEnded: TypeAlias = Callable[[int], bool]
    """Whether the process of a writer is known to have ended."""

_AUDIT: Final = statements(PACKAGE, "audit.sql")
_EXAMPLES: Final = 10
_cell: Final = lru_cache(maxsize=2**17)(Cell)
"""From read to read the cells are the same. Made anew, the largest ledger's made the garbage collector walk the whole
heap at every scrape, and nothing else ran meanwhile."""


@contextmanager
def snapshot(connection: apsw.Connection) -> Generator[None]:
    """All reads inside see the same commit."""
    connection.execute(SQL["begin_read"])
    try:
        yield
    finally:
        connection.execute(SQL["commit"])


def job_types(connection: apsw.Connection) -> tuple[JobType, ...]:
    """All known types."""
    return tuple(JobType(*row) for row in connection.execute(SQL["types"]))


def record(connection: apsw.Connection, job_id: str) -> Record | None:
    """One job, whole."""
    with snapshot(connection):
        row = connection.execute(SQL["record"], (job_id,)).fetchone()
        if row is None:
            return None
        job = rows.job_of(row)
        history = rows.history(job, connection.execute(SQL["history"], (job.key,)))
        type_ = next(type_ for type_ in job_types(connection) if type_.type_id == job.type_id)
    return Record(job, type_, row[rows.WIDTH], history)


def ledger(connection: apsw.Connection, wall: Micros, has_ended: HasEnded) -> LedgerRead:
    """The books and the probes. A worker whose process has ended is none, even before it is taken over."""
    with snapshot(connection):
        return ledger_of(connection, wall, has_ended)


def ledger_of(connection: apsw.Connection, wall: Micros, has_ended: HasEnded) -> LedgerRead:
    """The same, inside a snapshot."""

    def one(name: str) -> tuple[Any, ...]:
        row = connection.execute(SQL[name]).fetchone()
        return row if row is not None else (0, 0)

    as_of: Micros = max(wall, one("store_now")[0])
    workers = {writer_id: slots for writer_id, slots in connection.execute(SQL["workers"]) if not has_ended(writer_id)}
    samples = list(connection.execute(SQL["samples"]))
    store_id, began_at = one("identity")
    return LedgerRead(
        as_of=as_of,
        cells=cells_of(connection),
        types=job_types(connection),
        user_series=tuple(
            UserSeries(number, name, kind, tuple((label, value) for label, value in json.loads(labels)), text)
            for number, name, kind, labels, text in connection.execute(SQL["user_series"])
        ),
        probes=tuple(Probe(*row) for row in connection.execute(SQL["probes"], (as_of,))),
        workers=len(workers),
        slots=sum(workers.values()),
        used=sum(jobs for writer_id, jobs in connection.execute(SQL["used"]) if writer_id in workers),
        handled=frozenset(type_id for writer_id, type_id in connection.execute(SQL["handled"]) if writer_id in workers),
        samples={name: value for name, value, _ in samples},
        sampled_at=min((at for _, _, at in samples), default=None),
        boundaries=tuple(json.loads(one("boundaries")[0])),
        store_id=store_id,
        began_at=began_at,
    )


def cells_of(connection: apsw.Connection) -> dict[Cell, int]:
    """Every cell, summed; a row with a negative number counts whole words of the cell."""
    cells: dict[Cell, int] = {}
    for number, type_id, priority, cell, value in connection.execute(SQL["ledger"]):
        key = _cell(abs(number), type_id, priority, cell)
        cells[key] = cells.get(key, 0) + (value if number >= 0 else value * WORD)
    return cells


def audit(connection: apsw.Connection, wall: Micros, has_ended: HasEnded = lambda _: False) -> AuditRead:
    """Books, rows and structure, from one snapshot."""
    with snapshot(connection):
        read = ledger_of(connection, wall, has_ended)
        counted = tuple(RowCount(*row) for row in connection.execute(_AUDIT["rows"]))
        findings: list[Finding] = []
        rules: list[str] = []
        for name, text in _AUDIT.items():
            if not name.startswith("rule_"):
                continue
            rule = text.splitlines()[0].removeprefix("-- ")
            rules.append(rule)
            broken = [str(row[0]) for row in connection.execute(text)]
            if broken:
                findings.append(Finding(rule, len(broken), tuple(broken[:_EXAMPLES])))
    return AuditRead(read, counted, tuple(findings), tuple(rules))
