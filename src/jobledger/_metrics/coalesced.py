"""One thing made for all who ask for it at about the same time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, TypeGuard, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

Made = TypeVar("Made")


class Coalesced(Generic[Made]):
    """Makes one at a time, and never one more than those who wait are in need of.

    Who comes while nothing is being made has one made. Who comes while one is being made may not have that one: it may
    lack what was committed before he came. All of these get the next one, which is begun when that one is done.

    Args:
        make: makes one; what it raises, all who wait for it get.

    Example:
        >>> text = Coalesced(app.metrics.text)  # doctest: +SKIP
        >>> await asyncio.gather(*(text.get() for _ in range(50)))  # doctest: +SKIP
    """

    __slots__ = ("_make", "_making", "_next")

    def __init__(self, make: Callable[[], Awaitable[Made]]) -> None:
        """Nothing is made yet."""
        self._make = make
        self._making: asyncio.Task[Made] | None = None
        self._next: asyncio.Task[Made] | None = None

    async def get(self) -> Made:
        """One that was begun after this call. Who is cancelled takes it from nobody else."""
        if _is_under_way(self._next):
            wanted = self._next
        elif _is_under_way(self._making):
            wanted = self._next = asyncio.create_task(self._after(self._making))
        else:
            wanted = self._making = asyncio.create_task(self._made())
        return await asyncio.shield(wanted)

    async def _made(self) -> Made:
        return await self._make()

    async def _after(self, before: asyncio.Task[Made]) -> Made:
        await asyncio.wait((before,))
        self._making, self._next = self._next, None
        return await self._make()


def _is_under_way(task: asyncio.Task[Made] | None) -> TypeGuard[asyncio.Task[Made]]:
    """Not so if it was left behind in another loop: one that ended, or that of the parent before a fork."""
    return task is not None and not task.done() and task.get_loop() is asyncio.get_running_loop()
