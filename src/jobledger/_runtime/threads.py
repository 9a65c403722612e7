"""A function in a thread, awaited on the loop."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor

T = TypeVar("T")


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
