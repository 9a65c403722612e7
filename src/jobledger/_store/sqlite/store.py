"""The store in one SQLite file: one writer at a time, readers beside it."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import apsw

from jobledger._core.catalog import BOUNDARIES, ladder
from jobledger._store.contract import Batch, Claimed, Committed, Declaration, Enlistment
from jobledger._store.recall import recalled
from jobledger._store.sqlite import batch as batches
from jobledger._store.sqlite import connection as files
from jobledger._store.sqlite import reads, rows, upkeep
from jobledger._store.sqlite.claim import claim
from jobledger._store.sqlite.clock import StoreClock
from jobledger._store.sqlite.lockfile import lock_file
from jobledger._store.sqlite.pages import BASE, OVERFLOW, SQL, Pages
from jobledger.errors import CommitUnknown, Fenced

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from jobledger._core.job import Job
    from jobledger._core.reads import AuditRead, JobType, LedgerRead, Record
    from jobledger._store.contract import Filter, Takeover
    from jobledger._types import Micros

Read = TypeVar("Read")


class SqliteStore:
    """A :class:`jobledger._store.contract.Store` in one file.

    Args:
        path: the database file; its lock file stands beside it.
        now: wall time in microseconds.
        durability: ``power`` (each commit is synced), ``process`` (a power cut may lose the last commits)
            or ``off`` (for tests).
        boundaries: the ladder of a new database; None takes the file's own, or the default.
    """

    def __init__(
        self,
        path: Path,
        now: Callable[[], Micros],
        durability: str = "power",
        boundaries: tuple[float, ...] | None = None,
    ) -> None:
        """Remember where; nothing is opened before it is needed."""
        self.path = path.resolve()  # once: a later chdir must not lead to other files
        self._now = now
        self._clock = StoreClock(now)
        self._durability = durability
        self._wanted = boundaries
        self._ladder: tuple[Micros, ...] = ()
        self._writer: apsw.Connection | None = None
        self._reader: apsw.Connection | None = None
        self._reading = threading.Lock()

    def enlist(self, enlistment: Enlistment) -> int:
        """See the contract. The life byte is held before others can see the writer."""
        who, lock, writer_id = enlistment, lock_file(self.path), 0
        try:
            with self._transaction() as pages:
                pages.write("enlist", (who.kind, who.host, who.pid, who.slots, pages.now))
                writer_id = self._open().last_insert_rowid()
                for type_id in sorted(set(who.types)):
                    pages.write("handle_type", (writer_id, type_id))
                lock.live(writer_id)
        except BaseException:
            lock.die(writer_id)  # rolled back, the id goes to somebody else
            raise
        return writer_id

    def commit(self, batch: Batch) -> Committed:
        """See the contract."""
        with self._transaction(batch.writer_id) as pages:
            if not pages.write("fence", (batch.number, batch.writer_id, batch.number)):
                raise Fenced(batch.writer_id)
            batches.promote(pages)
            answers = tuple(batches.execute(pages, command) for command in batch.commands)
            claimed, strides = claim(pages, batch.claim, batch.writer_id) if batch.claim else ([], [])
            stops = tuple(row[0] for row in pages.all("stops", (batch.writer_id,)))
            next_due = pages.one("next_due", ())[0]
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

    def take_over(self, writer_ids: tuple[int, ...] | None = None) -> tuple[Takeover, ...]:
        """See the contract."""
        lock = lock_file(self.path)
        writers = self._read(lambda reader: list(reader.execute(SQL["live_writers"])))
        dead = [row for row in writers if (lock.is_dead(row[0]) if writer_ids is None else row[0] in writer_ids)]
        taken: list[Takeover] = []
        for row in dead:
            with self._transaction() as pages:
                done = upkeep.take_over(pages, row)
            taken += [done] if done is not None else []
        return tuple(taken)

    def prune(self, retention: Micros, limit: int) -> int:
        """See the contract."""
        with self._transaction() as pages:
            return upkeep.prune(pages, retention, limit)

    def sample(self, imbalance: int | None) -> None:
        """See the contract."""
        with self._transaction() as pages:
            upkeep.sample(pages, imbalance)

    def record(self, job_id: str) -> Record | None:
        """See the contract."""
        return self._read(lambda reader: reads.record(reader, job_id))

    def page(self, where: Filter, after: int | None, limit: int) -> tuple[Job, ...]:
        """See the contract."""
        return self._read(lambda reader: reads.page(reader, where, after, limit))

    def ledger(self) -> LedgerRead:
        """See the contract."""
        return self._read(lambda reader: reads.ledger(reader, self._now()))

    def audit(self) -> AuditRead:
        """See the contract. On a connection of its own: it may take long."""
        reader = files.open_reader(self.path)
        try:
            with files.reported(self.path):
                return reads.audit(reader, self._now())
        finally:
            reader.close()

    def changed(self) -> int:
        """See the contract. On the writing connection, whose own commits don't count."""
        with files.reported(self.path):
            return int(str(self._open().pragma("data_version")))

    def close(self) -> None:
        """See the contract."""
        with self._reading:
            if self._reader is not None:
                self._reader.close()
            self._reader = None
        if self._writer is not None:
            with lock_file(self.path).writing(files.LOCK_SECONDS):
                self._writer.close()
        self._writer = None

    def _open(self) -> apsw.Connection:
        if self._writer is None:
            writer = files.open_writer(self.path, self._durability)
            with files.reported(self.path):
                files.migrate(writer, lock_file(self.path), self._wanted or BOUNDARIES)
                stored = tuple(json.loads(str(writer.execute(SQL["boundaries"]).get)))
            self._ladder = ladder(stored)
            self._writer = writer
        return self._writer

    @contextmanager
    def _transaction(self, writer_id: int = BASE) -> Generator[Pages]:
        writer = self._open()
        with lock_file(self.path).writing(files.LOCK_SECONDS), files.reported(self.path):
            writer.execute(SQL["begin"])
            try:
                pages = Pages(writer, self._clock, self._ladder)
                yield pages
                pages.close(writer_id)
            except BaseException:
                if writer.in_transaction:
                    writer.execute(SQL["rollback"])
                raise
            self._end(writer)

    def _end(self, writer: apsw.Connection) -> None:
        try:
            writer.execute(SQL["commit"])
        except apsw.Error as error:
            if writer.in_transaction:
                writer.execute(SQL["rollback"])
                raise
            message = f"the answer of COMMIT on {self.path} is lost ({error})"
            raise CommitUnknown(message) from error

    def _read(self, read: Callable[[apsw.Connection], Read]) -> Read:
        with self._reading, files.reported(self.path):
            if self._reader is None:
                self._reader = files.open_reader(self.path)
            return read(self._reader)


def _key_holder(pages: Pages) -> Callable[[int, str], str | None]:
    def holder(type_id: int, key: str) -> str | None:
        row = pages.one("key_holder", (type_id, key))
        return None if row is None else str(row[0])

    return holder
