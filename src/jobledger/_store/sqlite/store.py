"""The store in one SQLite file: one writer at a time, readers beside it."""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, TypeVar

import apsw

from jobledger._core.catalog import ladder
from jobledger._core.labels import OVERFLOW
from jobledger._store import rows
from jobledger._store.contract import (
    Batch,
    Claimed,
    Committed,
    Declaration,
    Enlistment,
    Prospect,
    Room,
    Turn,
    Vital,
)
from jobledger._store.hint import ANY, types_made_by
from jobledger._store.recall import recalled
from jobledger._store.sqlite import batch as batches
from jobledger._store.sqlite import connection as files
from jobledger._store.sqlite import latest, lists, overview, reads, totals, upkeep
from jobledger._store.sqlite.claim import claim
from jobledger._store.sqlite.clock import StoreClock
from jobledger._store.sqlite.disk import is_undone, is_unsynced
from jobledger._store.sqlite.lockfile import lock_file
from jobledger._store.sqlite.pages import BASE, SQL, Pages
from jobledger._store.sqlite.prospect import prospect
from jobledger._store.sqlite.reader import Reader
from jobledger._store.sqlite.wake import Ear, remove, ring
from jobledger.errors import CommitUnknown, Fenced, StoreReadOnly

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from jobledger._core.job import Job
    from jobledger._core.observations import Observation
    from jobledger._core.overview import OverviewRead
    from jobledger._core.reads import AuditRead, JobType, LedgerRead, Record
    from jobledger._core.samples import TotalsAt
    from jobledger._store.contract import Filter, Page, Takeover
    from jobledger._types import Micros

log = logging.getLogger("jobledger.store")
Read = TypeVar("Read")
_inherited: list[object] = []
"""What a forked child has of its parent: closing a connection there would be an act on the parent's file."""


class SqliteStore:
    """A :class:`jobledger._store.contract.Store` in one file.

    Args:
        path: the database file; its lock file stands beside it.
        now: wall time in microseconds.
        durability: ``power`` (each commit is synced), ``process`` (a power cut may lose the last commits)
            or ``off`` (for tests).
        boundaries: the ladder of a new database, which an old one must have; None takes the file's own, or the default.
    """

    may_be_cut_off: ClassVar[bool] = False
    """The file is on this machine: what keeps one process from it keeps the others, too."""
    samples_beside: ClassVar[bool] = False
    """There is one writer at a time."""

    def __init__(
        self,
        path: Path,
        now: Callable[[], Micros],
        durability: str = "power",
        boundaries: tuple[float, ...] | None = None,
    ) -> None:
        """Remember where; nothing is opened before it is needed."""
        self.path = Path(os.path.realpath(path))  # once: a later chdir must not lead to other files
        self._now = now
        self._clock = StoreClock(now)
        self._durability = durability
        self._wanted = boundaries
        self._newest = files.newest()
        self._ladder: tuple[Micros, ...] = ()
        self._running: dict[int, Job] = {}
        self._clients: set[int] = set()
        self._writer: apsw.Connection | None = None
        self._unsynced: apsw.Error | None = None
        self._reader, self._books = Reader(self.path, boundaries), Reader(self.path, boundaries)
        self._pid = os.getpid()
        self._ear: Ear | None = None

    def enlist(self, enlistment: Enlistment) -> int:
        """See the contract. The life byte is held before others can see the writer."""
        who, lock, writer_id = enlistment, lock_file(self.path), 0
        self._running.clear()
        wake = self._ear.name if self._ear is not None and who.kind == "worker" else None
        try:
            with self._transaction() as pages:
                pages.write("enlist", (who.kind, who.host, who.pid, who.slots, pages.now, who.lease, wake))
                writer_id = self._open().last_insert_rowid()
                for type_id in sorted(set(who.types)):
                    pages.write("handle_type", (writer_id, type_id))
                lock.live(writer_id)
                if who.lease:
                    lock.beat(writer_id, self._now())
        except BaseException:
            lock.die(writer_id)  # rolled back, the id goes to somebody else
            raise
        if who.kind == "client":
            self._clients.add(writer_id)  # it runs no jobs, and starts none when they become due
        return writer_id

    def commit(self, batch: Batch) -> Committed:
        """See the contract. A forked child is not the writer that its parent has enlisted."""
        if not lock_file(self.path).holds(batch.writer_id):
            raise Fenced(batch.writer_id)
        with self._transaction(batch.writer_id, types_made_by(batch.commands)) as pages:
            if not pages.write("fence", (batch.number, batch.writer_id, batch.number)):
                raise Fenced(batch.writer_id)
            runs = batch.writer_id not in self._clients
            if runs:
                pages.doubt(self._stops(pages, batch))  # all else that others do to its jobs fences this writer first
            batches.promote(pages)
            answers = tuple(batches.execute(pages, command) for command in batch.commands)
            claimed, strides = claim(pages, batch.claim, batch.writer_id) if batch.claim else ([], [])
            stops = self._stops(pages, batch) if runs else ()
            next_due = pages.one("next_due", ())[0] if runs else None
        return Committed(answers, tuple(claimed), tuple(strides), stops, next_due, pages.now)

    def recall(self, batch: Batch) -> Committed | None:
        """See the contract."""
        with self._transaction() as pages:
            row = pages.one("writer_state", (batch.writer_id,))
            if row is None or row[0] not in {batch.number, batch.number - 1}:
                raise Fenced(batch.writer_id)
            if row[0] == batch.number - 1:
                return None
            answers = tuple(recalled(command, pages.by_id, _key_holder(pages)) for command in batch.commands)
            running = [
                Claimed(rows.job_of(row), row[rows.WIDTH]) for row in pages.all("claimed_by", (batch.writer_id,))
            ]
            strides = tuple(group.stride for group in batch.claim.groups) if batch.claim else ()
        return Committed(answers, tuple(running), strides, (), None, pages.now)

    def retire(self, writer_id: int) -> None:
        """See the contract."""
        with self._transaction() as pages:
            upkeep.end_writer(pages, writer_id)
            upkeep.fold(pages, writer_id)
        lock_file(self.path).die(writer_id)

    def abandon(self, writer_id: int) -> None:
        """See the contract."""
        lock_file(self.path).die(writer_id)

    def declare(self, declarations: tuple[Declaration, ...], budget: int) -> tuple[JobType, ...]:
        """See the contract."""
        with self._transaction() as pages:
            labels = {name: label for _, name, label, *_ in pages.all("types", ())}
            for d in declarations:
                full = d.name not in labels and d.label not in labels.values() and len(set(labels.values())) >= budget
                labels.setdefault(d.name, OVERFLOW if full else d.label)
                pages.write("declare", (d.name, labels[d.name], d.priority, d.max_attempts, d.max_losses, d.timeout))
        return self.types()

    def types(self) -> tuple[JobType, ...]:
        """See the contract."""
        return self._read(reads.job_types)

    def renew(self, writer_id: int) -> None:
        """See the contract. In the lock file: it needs no transaction, and no lock that a frozen process may hold."""
        lock = lock_file(self.path)
        lock.beat(writer_id, max(self._now(), lock.last_beat(writer_id) + 1))

    def vitals(self) -> tuple[Vital, ...]:
        """See the contract."""
        lock = lock_file(self.path)
        writers = self._read(lambda reader: list(reader.execute(SQL["live_writers"])))
        return tuple(
            Vital(writer_id, kind, host, pid, lease, lock.last_beat(writer_id), lock.is_dead(writer_id))
            for writer_id, kind, host, pid, lease in writers
        )

    def take_over(self, writer_ids: tuple[int, ...] | None = None) -> tuple[Takeover, ...]:
        """See the contract."""
        if writer_ids is None:
            writer_ids = tuple(vital.writer_id for vital in self.vitals() if vital.ended)
        lock = lock_file(self.path)
        taken: list[Takeover] = []
        for writer_id in writer_ids:
            with self._transaction() as pages:
                row = pages.one("live_writer", (writer_id,))
                done = None if row is None else upkeep.take_over(pages, row[:4])
            taken += [done] if done is not None else []
            if row is not None and row[4] is not None and lock.is_dead(writer_id):
                remove(self.path.parent / row[4])  # a frozen process will listen again
        return tuple(taken)

    def fold(self) -> int:
        """See the contract. With one writer at a time nothing has to stand aside."""
        return 0

    def prune(self, retention: Micros, limit: int) -> int:
        """See the contract."""
        with self._transaction() as pages:
            return upkeep.prune(pages, retention, limit)

    def sample(self, imbalance: int | None) -> None:
        """See the contract."""
        with self._transaction() as pages:
            upkeep.sample(pages, imbalance)
            totals.take(self._open(), pages.now)

    def take_turn(self, writer_id: int, interval: Micros) -> Turn:
        """See the contract."""
        with self._transaction() as pages:
            begin = pages.now - pages.now % interval
            mine = pages.write("take_turn", (begin, writer_id)) == 1
        return Turn(mine, begin, begin + interval, pages.now)

    def totals(self, step: int, begin: Micros, end: Micros) -> tuple[TotalsAt, ...]:
        """See the contract."""
        return self._read(lambda reader: totals.since(reader, step, begin, end))

    def total_from(self, at: Micros) -> TotalsAt | None:
        """See the contract."""
        return self._books.read(lambda reader: totals.first_from(reader, at))

    def record(self, job_id: str) -> Record | None:
        """See the contract."""
        return self._read(lambda reader: reads.record(reader, job_id))

    def page(self, where: Filter, after: int | None, limit: int) -> Page:
        """See the contract."""
        return self._read(lambda reader: lists.page(reader, where, after, limit))

    def ledger(self) -> LedgerRead:
        """See the contract. On a connection of its own: what others ask must not wait for thousands of series."""
        self._forget_parent()
        return self._books.read(lambda reader: reads.ledger(reader, self._now(), self._has_ended))

    def overview(self, limit: int) -> OverviewRead:
        """See the contract. On the connection of the books."""
        self._forget_parent()
        return self._books.read(
            lambda reader: overview.overview(reader, self._now(), self._has_ended, self._last_beat, limit)
        )

    def _has_ended(self, writer_id: int) -> bool:
        """Who may only read can't see it."""
        try:
            return lock_file(self.path).is_dead(writer_id)
        except StoreReadOnly:
            return False

    def _last_beat(self, writer_id: int) -> Micros | None:
        try:
            return lock_file(self.path).last_beat(writer_id) or None
        except StoreReadOnly:
            return None

    def exemplars(self, limit: int) -> tuple[Observation, ...]:
        """See the contract."""
        return self._read(lambda reader: latest.exemplars(reader, limit))

    def audit(self) -> AuditRead:
        """See the contract. On a connection of its own: it may take long."""
        reader = files.open_reader(self.path)
        try:
            with files.reported(self.path):
                return reads.audit(reader, self._now(), self._has_ended)
        finally:
            reader.close()

    def prospect(self, writer_id: int, room: Room) -> Prospect:
        """See the contract."""
        return self._read(lambda reader: prospect(reader, writer_id, room, self._now()))

    def listen(self, heard: Callable[[frozenset[int]], None] | None) -> None:
        """See the contract."""
        if self._ear is not None:
            self._ear.close()
        self._ear = None if heard is None else Ear(self.path, heard)

    def close(self) -> None:
        """See the contract."""
        self.listen(None)
        self._forget_parent()
        self._reader.close()
        self._books.close()
        if self._writer is not None:
            with lock_file(self.path).writing(files.LOCK_SECONDS):
                self._writer.close()
        self._writer = None

    def _forget_parent(self) -> None:
        """After a fork: connections and locks are the parent's."""
        if self._pid != os.getpid():
            _inherited.extend((self._writer, self._reader, self._books, self._ear))
            self._writer = self._ear = None
            self._reader, self._books = Reader(self.path, self._wanted), Reader(self.path, self._wanted)
            self._pid = os.getpid()

    def _open(self) -> apsw.Connection:
        self._forget_parent()
        if self._writer is None:
            writer = files.open_writer(self.path, self._durability)
            try:
                with files.reported(self.path, writer):
                    files.migrate(writer, lock_file(self.path), self._wanted)
                    self._ladder = ladder(files.boundaries_of(writer))
            except BaseException:
                writer.close()
                raise
            self._writer = writer
        return self._writer

    @contextmanager
    def _transaction(self, writer_id: int = BASE, hint: frozenset[int] = ANY) -> Generator[Pages]:
        writer = self._open()
        with lock_file(self.path).writing(files.LOCK_SECONDS), files.reported(self.path, writer):
            if self._unsynced is not None:
                raise self._unsynced.with_traceback(None)  # whoever writes now was not there when it failed
            writer.execute(SQL["begin"])
            try:
                files.gate(writer, self._newest)
                pages = Pages(writer, self._clock, self._ladder, self._running)
                yield pages
                pages.close(writer_id)
                others = self._others(pages) if pages.left or pages.calls else []
            except BaseException:
                self._running.clear()
                if writer.in_transaction:
                    writer.execute(SQL["rollback"])
                raise
            self._end(writer)
        if others:
            ring(self.path, others, hint)

    def _stops(self, pages: Pages, batch: Batch) -> tuple[int, ...]:
        """Which running jobs of its writer are asked to stop."""
        return tuple(row[0] for row in pages.all("stops", (batch.writer_id,)))

    def _others(self, pages: Pages) -> list[str]:
        """Who may have room for work that is left; who comes later will look by himself."""
        own = self._ear.name if self._ear is not None else None
        return [name for (name,) in pages.all("listeners", ()) if name != own]

    def _end(self, writer: apsw.Connection) -> None:
        try:
            writer.execute(SQL["commit"])
        except apsw.Error as error:
            self._running.clear()
            if is_unsynced(error):
                self._unsynced = error
            if writer.in_transaction:
                writer.execute(SQL["rollback"])
                raise
            if is_undone(error) or is_unsynced(error):
                raise  # the one is known to be nothing, the other must not be asked again: see disk.py
            message = f"the answer of COMMIT on {self.path} is lost ({error})"
            raise CommitUnknown(message) from error

    def _read(self, read: Callable[[apsw.Connection], Read]) -> Read:
        self._forget_parent()
        return self._reader.read(read)


def _key_holder(pages: Pages) -> Callable[[int, str], str | None]:
    def holder(type_id: int, key: str) -> str | None:
        row = pages.one("key_holder", (type_id, key))
        return None if row is None else str(row[0])

    return holder
