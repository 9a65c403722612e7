"""Functions in threads, awaited on the loop."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from concurrent.futures import Executor

T = TypeVar("T")
_NAMES: Final = ("write", "read", "audit", "books")


class Threads:
    """The threads of an App.

    There are four, since what others ask must not wait for the audit, which reads every row, nor for the books, which
    may have thousands of series.

    Args:
        check: raises where there are none, because the App is not open; after a fork it opens new ones.
    """

    def __init__(self, check: Callable[[], object]) -> None:
        """None yet."""
        self._check = check
        self._executors: tuple[ThreadPoolExecutor, ...] = ()

    def open(self) -> tuple[ThreadPoolExecutor, ...]:
        """Begin; what was there before is given back, as it is."""
        before = self._executors
        self._executors = tuple(ThreadPoolExecutor(1, f"jobledger-{name}") for name in _NAMES)
        return before

    def shut(self) -> None:
        """End, when what was asked for is done."""
        executors, self._executors = self._executors, ()
        for executor in executors:
            executor.shutdown(wait=False)

    def write(self, work: Callable[[], T]) -> Awaitable[T]:
        """For what writes."""
        return self._run(0, work)

    def read(self, work: Callable[[], T]) -> Awaitable[T]:
        """For what only reads, and not for long."""
        return self._run(1, work)

    def audit(self, work: Callable[[], T]) -> Awaitable[T]:
        """For what reads for long."""
        return self._run(2, work)

    def books(self, work: Callable[[], T]) -> Awaitable[T]:
        """For the ledger."""
        return self._run(3, work)

    def _run(self, index: int, work: Callable[[], T]) -> Awaitable[T]:
        self._check()
        return in_thread(self._executors[index], work)


def in_thread(executor: Executor, work: Callable[[], T]) -> asyncio.Future[T]:
    """As ``loop.run_in_executor``, at half its price: nobody asks for a future that can be waited for in threads.

    Args:
        executor: whose thread runs it.
        work: what to run; nobody runs it if the future is cancelled before its turn.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def run() -> None:
        if future.cancelled():
            return
        try:
            answer = work()
        except BaseException as error:  # noqa: BLE001 - it is raised again where it is awaited
            tell(_fail, error)
        else:
            tell(_answer, answer)

    def tell(how: Callable[..., None], what: object) -> None:
        with suppress(RuntimeError):  # the loop has closed: nobody waits any more
            loop.call_soon_threadsafe(how, future, what)

    executor.submit(run)
    return future


def _answer(future: asyncio.Future[T], answer: T) -> None:
    if not future.done():
        future.set_result(answer)


def _fail(future: asyncio.Future[T], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
