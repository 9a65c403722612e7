"""A store whose commits can be watched, held up, and made to fail."""

import threading
from collections.abc import Callable
from typing import Any, TypeAlias, cast

from jobledger import App
from jobledger._core.commands import Command
from jobledger._store.contract import Batch, Committed, Store
from jobledger.errors import CommitUnknown, Fenced, StoreBusy, StoreError

Fault: TypeAlias = Callable[[Store, Batch], Committed]


class Scripted:
    """Passes everything on to a real store.

    Attributes:
        batches: all that were tried.
        committed: what became of those that were committed.
        faults: what happens to the next commits instead; see :meth:`fail`.
        poison: a command that no batch can hold.
        at_gate: commits that are being held up.
    """

    def __init__(self, store: Store) -> None:
        self.batches: list[Batch] = []
        self.committed: list[Committed] = []
        self.faults: list[tuple[type[Command] | None, Fault]] = []
        self.poison: Callable[[Command], bool] = lambda _: False
        self.at_gate = 0
        self._store = store
        self._gate = threading.Event()
        self._gate.set()
        self._holds: type[Command] | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def commit(self, batch: Batch) -> Committed:
        self.batches.append(batch)
        if self._holds is None or any(isinstance(command, self._holds) for command in batch.commands):
            self.at_gate += 1
            self._gate.wait(10)
            self.at_gate -= 1
        if any(map(self.poison, batch.commands)):
            raise ZeroDivisionError
        self.committed.append(self._fault(batch)(self._store, batch))
        return self.committed[-1]

    def fail(self, *faults: Fault, on: type[Command] | None = None) -> None:
        """What happens to the next commits, or to the next that hold a command of this kind."""
        self.faults += [(on, fault) for fault in faults]

    def _fault(self, batch: Batch) -> Fault:
        for index, (kind, fault) in enumerate(self.faults):
            if kind is None or any(isinstance(command, kind) for command in batch.commands):
                del self.faults[index]
                return fault
        return fine

    def hold(self, on: type[Command] | None = None) -> None:
        """Commits wait at the gate, or those that hold a command of this kind."""
        self._holds = on
        self._gate.clear()

    def release(self) -> None:
        self._gate.set()

    @property
    def sizes(self) -> list[int]:
        return [len(batch.commands) for batch in self.batches]

    def with_a(self, kind: type[Command]) -> list[list[type[Command]]]:
        """The kinds of the commands of each batch that held one of this kind."""
        kinds = [[type(command) for command in batch.commands] for batch in self.batches]
        return [batch for batch in kinds if kind in batch]

    def commands(self, kind: type[Command]) -> list[Command]:
        """All commands of a kind that were tried, in order."""
        return [command for batch in self.batches for command in batch.commands if isinstance(command, kind)]


def scripted(app: App) -> Scripted:
    """Put a script between an open App and its store."""
    door = app._opened_door()
    script = Scripted(door.store)
    door.store = cast("Store", script)
    door._prompt = None  # all batches go by the script
    return script


def fine(store: Store, batch: Batch) -> Committed:
    """Nothing is wrong."""
    return store.commit(batch)


def lost_after(store: Store, batch: Batch) -> Committed:
    """The commit happens, its answer is lost."""
    store.commit(batch)
    raise CommitUnknown


def lost_before(store: Store, batch: Batch) -> Committed:
    """The connection breaks, and nothing was committed."""
    raise CommitUnknown


def busy(store: Store, batch: Batch) -> Committed:
    """Another process holds the write lock."""
    raise StoreBusy("somebody is writing")


def full(store: Store, batch: Batch) -> Committed:
    """The disk is full."""
    raise StoreError("the disk is full")


def fenced(store: Store, batch: Batch) -> Committed:
    """Somebody has taken this writer over."""
    store.take_over((batch.writer_id,))
    raise Fenced(batch.writer_id)


def odd(store: Store, batch: Batch) -> Committed:
    """Nobody has thought of this."""
    raise LookupError("out of the blue")
