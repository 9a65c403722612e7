"""What the store says at the end: every job with its history, and the books."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import msgspec

from jobledger._core.books import balance
from jobledger._metrics.snapshot import Snapshot
from jobledger._store import rows
from jobledger._store.sqlite import reads
from tests.faults.chaos.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobledger._core.job import Event, Job
    from jobledger._core.reads import AuditRead
    from tests.faults.simulation.machine import Machine

BALANCED = "the books balance"


class Books:
    """One reading of a store at rest.

    Attributes:
        jobs: by id, in the order of submission; ``history``: their events, in order.
        types: the names of the types, by number.
        snapshot: the metrics.
    """

    def __init__(self, machine: Machine) -> None:
        reader = machine.disk.own
        self._read = read = _audited(machine)
        found = list(reader.execute("SELECT * FROM job ORDER BY key"))
        events = list(reader.execute("SELECT job_key, name, at, run, writer_id, reason, error, micros FROM history"))
        self.snapshot = Snapshot(read.ledger)
        self.types = {type_.type_id: type_.name for type_ in read.ledger.types}
        self.jobs: dict[str, Job] = {job.id: job for job in map(rows.job_of, found)}
        self._payloads: dict[str, dict[str, Any]] = {row[1]: msgspec.json.decode(row[rows.WIDTH]) for row in found}
        kept: dict[int, list[Any]] = {job.key: [] for job in self.jobs.values()}
        for key, *event in events:
            kept[key].append(event)
        self.history: dict[str, list[Event]] = {
            job.id: list(rows.history(job, kept[job.key])) for job in self.jobs.values()
        }

    def type_of(self, job: Job) -> str:
        """The type's name."""
        return self.types[job.type_id]

    def payload(self, job: Job) -> dict[str, Any]:
        """What the job was submitted with."""
        return self._payloads[job.id]

    @property
    def by_entity(self) -> dict[str, list[Job]]:
        """The keyed jobs."""
        found: dict[str, list[Job]] = defaultdict(list)
        for job in self.jobs.values():
            if job.entity is not None:
                found[job.entity].append(job)
        return found

    def findings(self) -> Iterator[Finding]:
        """What the audit finds."""
        return _found(self._read)


def audit(machine: Machine) -> list[Finding]:
    """What an audit finds while work goes on."""
    return list(_found(_audited(machine)))


def _audited(machine: Machine) -> AuditRead:
    return reads.audit(machine.disk.own, machine.wall(), lambda writer: writer not in machine.lives)


def _found(read: AuditRead) -> Iterator[Finding]:
    audited = balance(read)
    for check in audited.failed:
        yield Finding(BALANCED, f"{check.type}: {check.equation}: {check.left}, {check.right}")
    for broken in audited.broken:
        yield Finding(BALANCED, f"{broken.rule}: {', '.join(broken.examples)}")
