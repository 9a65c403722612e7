"""A thread of a simulated process: what it is given runs in order, each in one piece."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from contextvars import Context

    from tests.faults.simulation.loop import SeededLoop


class Thread:
    """Between a call and its start, and between its end and its answer, time passes and anything may happen.

    Args:
        loop: the world's.
        context: of its process.
        pause: how long each of the two takes, in seconds.
        ran: called after each call, before its answer is on its way.
    """

    def __init__(self, loop: SeededLoop, context: Context, pause: Callable[[], float], ran: Callable[[], None]) -> None:
        self._loop = loop
        self._context = context
        self._pause = pause
        self._ran = ran
        self._given: deque[tuple[Callable[[], Any], asyncio.Future[Any]]] = deque()
        self._answers: deque[tuple[asyncio.Future[Any], Any, BaseException | None]] = deque()

    def give(self, work: Callable[[], Any]) -> asyncio.Future[Any]:
        """Run it after all that was given before."""
        future = self._loop.create_future()
        self._given.append((work, future))
        if len(self._given) == 1:
            self._next()
        return future

    def _next(self) -> None:
        self._loop.call_in_thread(self._pause(), self._run, self._context)

    def _run(self) -> None:
        work, future = self._given.popleft()
        if not future.cancelled():  # else nobody has begun with it, as in a pool
            self._answers.append((future, *_ended(work)))
            self._loop.call_later(self._pause(), self._tell, context=self._context)
            self._ran()
        if self._given:
            self._next()

    def _tell(self) -> None:
        future, result, error = self._answers.popleft()
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)


def _ended(work: Callable[[], Any]) -> tuple[Any, BaseException | None]:
    try:
        return work(), None
    except Exception as error:  # noqa: BLE001 - it belongs to whoever waits for the answer
        return None, error
