"""How the functions of a store are run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")


class Run(Protocol):
    """Runs a function of the store: in a thread, or inline in a simulation."""

    def __call__(self, work: Callable[[], T], /) -> Awaitable[T]:
        """Run it and give back what it returns."""
        ...
