"""What a store can do besides, whose database also holds its users' own data: commit both together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from jobledger._core.commands import Settle
    from jobledger._core.decide import Verdict


class Undone(Exception):
    """The transaction of an attempt was rolled back, and so were its effects: the attempt has failed."""


class Transaction(Protocol):
    """The open transaction of one attempt; it ends by one of ``complete`` and ``undo``."""

    @property
    def connection(self) -> Any:  # noqa: ANN401 - the driver's own
        """The connection that it is open on."""
        ...

    async def complete(self, settle: Settle) -> Verdict:
        """Complete the job in it, and commit. A refusal: the job is no longer this attempt's; all was rolled back.

        If the answer of the commit is lost, this goes on until it is known what came of it.

        Raises:
            Undone: nothing was committed.
        """
        ...

    async def undo(self) -> None:
        """Roll it back. Never fails: a connection that can't say so is given up, which is as good."""
        ...


class Transactions(Protocol):
    """Connections of one worker, used on its event loop; they are made when they are needed."""

    async def begin(self) -> Transaction:
        """Open a transaction, as soon as a connection is free.

        Raises:
            StoreError: the database can't be used.
        """
        ...

    async def close(self) -> None:
        """Give back the connections."""
        ...


@runtime_checkable
class Joinable(Protocol):
    """A store with these abilities."""

    def wake(self) -> None:
        """Tell workers that there may be new jobs. A hint, which never fails."""
        ...

    def transactions(self) -> Transactions:
        """For one worker."""
        ...
