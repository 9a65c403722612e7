"""How the suite opens the store under test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from jobledger._store.contract import Store
    from jobledger._types import Micros

START: Final[Micros] = 1_700_000_000_000_000
"""When every test begins."""


class StoreFactory(Protocol):
    """Opens one place again and again, as several processes would; the place is empty at first."""

    def __call__(self, now: Callable[[], Micros], boundaries: tuple[float, ...] | None = None) -> Store:
        """Open the place; ``boundaries`` is the ladder that a new one gets, and that an old one must have."""
        ...

    def dump(self) -> object:
        """All that is stored, comparable with ``==``: what is refused must leave it as it was."""
        ...


class FakeClock:
    """A clock that moves when it is told to, and only then.

    Attributes:
        at: the time in microseconds.
    """

    def __init__(self, at: Micros = START) -> None:
        """Begin at an instant."""
        self.at = at

    def __call__(self) -> Micros:
        """The time."""
        return self.at

    def advance(self, by: Micros) -> None:
        """Let time pass."""
        self.at += by
