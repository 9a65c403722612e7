"""What a store can do besides, whose database answers over a connection: that is awaited on the loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable

    from jobledger._store.contract import Batch, Committed


@runtime_checkable
class Prompt(Protocol):
    """A store with this ability. To hand a batch to a thread and back takes longer than many a commit."""

    async def commit_here(self, batch: Batch) -> Committed | None:
        """As :meth:`jobledger._store.contract.Store.commit`, if that takes one question and little work.

        Else None: nothing was done, and `commit` is to be called. Never while `commit` runs.
        """
        ...

    async def listen_here(self, heard: Callable[[frozenset[int]], None] | None) -> None:
        """As :meth:`jobledger._store.contract.Store.listen`, but ``heard`` is called on this loop."""
        ...

    async def leave_here(self) -> None:
        """Give back what belongs to this loop. Idempotent."""
        ...
