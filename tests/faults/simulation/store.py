"""The real SQLite store, whose commits can go wrong, and whose answers are written down outside of it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from jobledger._store.hint import ANY, types_of, word_of
from jobledger._store.sqlite.store import SqliteStore
from jobledger.errors import CommitUnknown, DiskFailed, StoreBusy
from tests.faults.simulation.process import current
from tests.faults.simulation.storm import Fate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import apsw

    from jobledger._store.contract import Batch, Committed, Enlistment, Takeover, Vital


Read = TypeVar("Read")
_really_open = SqliteStore._open
"""As it is in the source: the audit after each test stands in its way."""


class SimulatedStore(SqliteStore):
    """Each call is one process's; between calls others have their turn.

    No transaction is open between two calls. So all processes can share two connections, as if each had its own: to
    open them and to prepare their statements would take longer than all else.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._process = current()
        self._machine = self._process.machine
        self._gone: frozenset[int] = frozenset()

    def _open(self) -> apsw.Connection:
        if self._writer is None:
            disk = self._machine.disk
            if disk.writer is None:
                disk.writer, disk.ladder = _really_open(self), self._ladder
            self._writer, self._ladder = disk.writer, disk.ladder
        return self._writer

    def _read(self, read: Callable[[apsw.Connection], Read]) -> Read:
        disk = self._machine.disk
        self._reader.connection = disk.reader
        answer = super()._read(read)
        disk.reader = self._reader.connection
        return answer

    def close(self) -> None:
        self.listen(None)
        self._writer = self._reader.connection = None

    def enlist(self, enlistment: Enlistment) -> int:
        writer_id = super().enlist(enlistment)
        self._machine.chronicle.enlisted(writer_id, self._process)
        return writer_id

    def commit(self, batch: Batch) -> Committed:
        storm = self._machine.storm
        if storm.is_busy(self._process):
            raise StoreBusy("another process has the write lock")
        what = f"batch {batch.number} of writer {batch.writer_id}"
        try:
            committed = super().commit(batch)
        except Exception as error:
            self._machine.trace(self._process, f"{what}: {type(error).__name__}")
            raise
        self._machine.chronicle.committed(batch, self._process)
        kinds = ",".join(type(command).__name__ for command in batch.commands)
        self._machine.trace(self._process, f"{what}: {kinds} and {len(committed.claimed)} claimed")
        return committed

    def vitals(self) -> tuple[Vital, ...]:
        """And who may be taken over by what is seen now."""
        vitals = super().vitals()
        self._gone = frozenset(one.writer_id for one in vitals if self._machine.may_be_taken_over(one.writer_id))
        for writer_id in sorted(self._gone & self._machine.lives.keys()):
            self._machine.storm.is_seen_silent(self._machine.lives[writer_id])
        return vitals

    def take_over(self, writer_ids: tuple[int, ...] | None = None) -> tuple[Takeover, ...]:
        assert writer_ids is not None
        for writer_id in writer_ids:
            self._machine.chronicle.dooms(writer_id, self._process, is_fair=writer_id in self._gone)
        taken = super().take_over(writer_ids)
        self._machine.chronicle.taken_over(writer_ids)
        self._machine.trace(self._process, f"took over {writer_ids}: {[len(one.jobs) for one in taken]} jobs")
        return taken

    def _end(self, writer: apsw.Connection) -> None:
        fate = self._machine.storm.fate(self._process)
        if fate is Fate.FINE:
            super()._end(writer)
            return
        self._machine.trace(self._process, f"a commit: {fate}")
        if fate in {Fate.LOST_AFTER, Fate.FAILED_AFTER}:
            super()._end(writer)
        else:
            writer.execute("ROLLBACK")
        if fate in {Fate.LOST_AFTER, Fate.LOST_BEFORE}:
            self._machine.chronicle.answer_lost(self._process)
            raise CommitUnknown
        self._machine.chronicle.disk_failed(self._process)
        raise DiskFailed


class SimulatedEar:
    """A wake-up socket: those of a dead process are not there, the others hear soon, or never."""

    def __init__(self, _: Path, heard: Callable[[frozenset[int]], None]) -> None:
        self.process = current()
        self.heard = heard
        self.name: str | None = self.process.machine.new_ear(self)

    def close(self) -> None:
        self.process.machine.ears.pop(self.name or "", None)


def ring(database: Path, names: Iterable[str], types: frozenset[int] = ANY) -> None:
    """A hint that may get lost; what arrives has been a word between processes."""
    machine = current().machine
    heard = types_of(word_of(types))
    for name in names:
        ear = machine.ears.get(name)
        if ear is not None and not machine.storm.loses_wake_up():
            machine.loop.call_in_thread(machine.storm.pause(), partial(ear.heard, heard), ear.process.context)


def remove(path: Path) -> None:
    """The socket of a dead process."""
    current().machine.ears.pop(path.name, None)
