"""One writer as its process sees it: an id, and the number of its last batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobledger._core.priority import Stride
from jobledger._store.contract import Batch, Claim, Group

if TYPE_CHECKING:
    from jobledger._core.commands import Command
    from jobledger._store.contract import Committed, Enlistment, Store


class Writer:
    """Sends batches and counts them.

    Attributes:
        writer_id: given by the store.
        number: of the last batch that was applied.
        stride: who is next, carried from claim to claim.
    """

    def __init__(self, store: Store, enlistment: Enlistment) -> None:
        """Enlist."""
        self.store = store
        self.types = enlistment.types
        self.writer_id = store.enlist(enlistment)
        self.number = 0
        self.stride = Stride()

    def batch(self, *commands: Command, claim: Claim | None = None) -> Batch:
        """The next batch, not sent yet."""
        return Batch(self.writer_id, self.number + 1, commands, claim)

    def send(self, *commands: Command, claim: Claim | None = None) -> Committed:
        """Commit the next batch."""
        committed = self.store.commit(self.batch(*commands, claim=claim))
        self.number += 1
        if len(committed.strides) == 1:
            self.stride = committed.strides[0]
        return committed

    def asks(self, slots: int, types: tuple[int, ...] | None = None, suspects: int = 1) -> Claim:
        """A claim of one group: free slots for some types (None: those it handles)."""
        return Claim((Group(self.types if types is None else types, slots, self.stride),), suspects)
