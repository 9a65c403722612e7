"""Something that is wrong for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from tests.faults.chaos.settings import Fault


class Trouble(Protocol):
    """It begins and ends in turn.

    Attributes:
        name: what it is.
        lasts: seconds from its begin to its end.
    """

    name: Fault
    lasts: float

    def begin(self) -> list[int]:
        """The worker processes that it may cost their jobs."""
        ...

    def end(self) -> int:
        """When it was over: nanoseconds of the monotonic clock."""
        ...
