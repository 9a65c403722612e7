"""Reading: each from one snapshot, and never in the writer's way."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from jobledger._core.deltas import Cell
from jobledger._core.job import STATUS_OF, Lane, Status
from jobledger._core.reads import AuditRead, Finding, JobType, LedgerRead, Probe, Record, RowCount, UserSeries
from jobledger._store.sqlite import rows
from jobledger._store.sqlite.connection import PACKAGE
from jobledger._store.sqlite.pages import SQL, WORD
from jobledger._store.statements import statements

if TYPE_CHECKING:
    from collections.abc import Generator

    import apsw

    from jobledger._core.job import Job
    from jobledger._store.contract import Filter
    from jobledger._types import Micros

_AUDIT: Final = statements(PACKAGE, "audit.sql")
_EXAMPLES: Final = 10
_BEYOND: Final = 2**63 - 1


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
        history = tuple(rows.event_of(event) for event in connection.execute(SQL["history"], (job.key,)))
        type_ = next(type_ for type_ in job_types(connection) if type_.type_id == job.type_id)
    return Record(job, type_, row[rows.WIDTH], history)


def page(connection: apsw.Connection, where: Filter, after: int | None, limit: int) -> tuple[Job, ...]:
    """Jobs by filter, by whichever index serves it."""
    lanes = [lane for lane in Lane if STATUS_OF[lane] is where.status]
    name = "page"
    if where.entity is not None:
        name = "page_entity"
    elif where.batch is not None:
        name = "page_batch"
    elif where.status is Status.FAILED:
        name = "page_dead"
    start = after if after is not None else (_BEYOND if where.newest_first else -1)
    params = {
        "after": start, "lanes": json.dumps(lanes) if where.status is not None else None, "type_id": where.type_id,
        "entity": where.entity, "batch": where.batch, "limit": limit,
    }  # fmt: skip
    found = connection.execute(SQL[f"{name}_newest" if where.newest_first else name], params)
    return tuple(rows.job_of(row) for row in found)


def ledger(connection: apsw.Connection, wall: Micros) -> LedgerRead:
    """The books and the probes."""
    with snapshot(connection):
        return _ledger(connection, wall)


def _ledger(connection: apsw.Connection, wall: Micros) -> LedgerRead:
    def one(name: str) -> tuple[Any, ...]:
        row = connection.execute(SQL[name]).fetchone()
        return row if row is not None else (0, 0)

    as_of: Micros = max(wall, one("store_now")[0])
    workers, slots = one("workers")
    samples = list(connection.execute(SQL["samples"]))
    return LedgerRead(
        as_of=as_of,
        cells=_cells(connection),
        types=job_types(connection),
        user_series=tuple(
            UserSeries(number, name, kind, tuple((label, value) for label, value in json.loads(labels)))
            for number, name, kind, labels in connection.execute(SQL["user_series"])
        ),
        probes=tuple(Probe(*row) for row in connection.execute(SQL["probes"], (as_of,))),
        workers=workers,
        slots=slots,
        used=one("used")[0],
        handled=frozenset(row[0] for row in connection.execute(SQL["handled"])),
        samples={name: value for name, value, _ in samples},
        sampled_at=min((at for _, _, at in samples), default=None),
        boundaries=tuple(json.loads(one("boundaries")[0])),
    )


def _cells(connection: apsw.Connection) -> dict[Cell, int]:
    """Every cell, summed; a row with a negative number counts whole words of the cell."""
    cells: dict[Cell, int] = {}
    for number, type_id, priority, cell, value in connection.execute(SQL["ledger"]):
        key = Cell(abs(number), type_id, priority, cell)
        cells[key] = cells.get(key, 0) + (value if number >= 0 else value * WORD)
    return cells


def audit(connection: apsw.Connection, wall: Micros) -> AuditRead:
    """Books, rows and structure, from one snapshot."""
    with snapshot(connection):
        read = _ledger(connection, wall)
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
