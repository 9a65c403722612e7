"""From synchronous code to the one asynchronous API: a loop in a thread, and nothing twice."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine, Generator
    from contextlib import AbstractAsyncContextManager

T = TypeVar("T")


class Bridge:
    """Runs coroutines of an App from synchronous code, from any thread.

    Example:
        >>> with app.blocking() as run:  # doctest: +SKIP
        ...     job_id = run(app.jobs.submit("email.send", {"to": "a@b.c"}))
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Made by :meth:`App.blocking`."""
        self._loop = loop

    def __call__(self, work: Coroutine[Any, Any, T], *, timeout: float | None = None) -> T:
        """Run a coroutine on the App's loop and wait for what it returns.

        Args:
            work: e.g. ``app.jobs.submit(…)``.
            timeout: seconds to wait; the coroutine is cancelled after that.

        Raises:
            TimeoutError: it took longer.
        """
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(timeout)
        except TimeoutError:
            future.cancel()
            raise


@contextmanager
def bridge(opened: AbstractAsyncContextManager[Any]) -> Generator[Bridge]:
    """A loop in a daemon thread, with ``opened`` open on it until the block is left."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="jobledger loop", daemon=True)
    thread.start()
    run = Bridge(loop)
    try:
        run(_enter(opened))
        try:
            yield run
        finally:
            run(_leave(opened))
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _enter(opened: AbstractAsyncContextManager[Any]) -> None:
    await opened.__aenter__()


async def _leave(opened: AbstractAsyncContextManager[Any]) -> None:
    await opened.__aexit__(None, None, None)
