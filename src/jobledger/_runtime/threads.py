"""Functions in threads, awaited on the loop."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")
_NAMES: Final = ("write", "read", "audit", "books")
_Given: TypeAlias = "SimpleQueue[Callable[[], None] | None]"


class OneThread:
    """A thread that does what it is given, one after the other; it begins with the first.

    A ThreadPoolExecutor makes a future and takes half a dozen locks for each call: a tenth of a small commit.
    """

    def __init__(self, name: str) -> None:
        """Not begun."""
        self._name = name
        self._given: _Given = SimpleQueue()
        self._begun = False

    def give(self, call: Callable[[], None]) -> None:
        """Do this, after all that was given before; it raises nothing."""
        if not self._begun:
            self._begun = True
            Thread(target=_work, args=(self._given,), name=self._name, daemon=True).start()
        self._given.put(call)

    def end(self) -> None:
        """End, when all is done that was given."""
        self._given.put(None)


def _work(given: _Given) -> None:
    while (call := given.get()) is not None:
        call()
        del call  # what it holds may be large, and the next one may be long in coming


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
        self._all: tuple[OneThread, ...] = ()

    def open(self) -> None:
        """Begin."""
        self._all = tuple(OneThread(f"jobledger-{name}") for name in _NAMES)

    def shut(self) -> None:
        """End, when what was asked for is done."""
        threads, self._all = self._all, ()
        for thread in threads:
            thread.end()

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
        return in_thread(self._all[index], work)


def in_thread(thread: OneThread, work: Callable[[], T]) -> asyncio.Future[T]:
    """What it returns or raises is had on the loop.

    Args:
        thread: runs it.
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

    thread.give(run)
    return future


def _answer(future: asyncio.Future[T], answer: T) -> None:
    if not future.done():
        future.set_result(answer)


def _fail(future: asyncio.Future[T], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
