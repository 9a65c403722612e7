"""Who starts jobs in a process, as the door sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from jobledger._store.contract import Claim, Committed


class Claimer(Protocol):
    """Who starts jobs in this process: the dispatcher."""

    def ask(self, unsent: int) -> Claim | None:
        """What can be started now; ``unsent`` settlements still hold their slots."""
        ...

    def take(self, committed: Committed) -> None:
        """The batch is durable: start what it claimed, stop what it cancels."""
        ...

    def wants(self) -> bool:
        """Whether a look for ready jobs is due even with nothing to write."""
        ...

    def look(self) -> None:
        """Ask for a look: the last one came to nothing."""
        ...

    def fenced(self) -> None:
        """This process was taken over: nothing that runs can be settled any more."""
        ...
