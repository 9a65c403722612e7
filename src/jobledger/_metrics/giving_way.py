"""Long loops that let others in."""

from __future__ import annotations

from time import sleep
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

T = TypeVar("T")


def giving_way(items: Iterable[T], each: int) -> Iterator[T]:
    """The items; after each so many of them, other threads may go on.

    An event loop that has something to do would else wait for the interpreter's switch interval, 5 ms, at every turn.
    It takes some 60 µs each time, so let there be half a millisecond's work in between.
    """
    for number, item in enumerate(items, 1):
        yield item
        if number % each == 0:
            sleep(0)
