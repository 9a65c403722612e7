"""From synchronous code to the one asynchronous API: a loop in a thread, and nothing twice."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from jobledger._runtime.loop import new_loop

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

    def __init__(self, opened: AbstractAsyncContextManager[Any]) -> None:
        """Made by :meth:`App.blocking`."""
        self._opened = opened
        self._turn = threading.Lock()
        self._pid = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def __call__(self, work: Coroutine[Any, Any, T], *, timeout: float | None = None) -> T:
        """Run a coroutine on the App's loop and wait for what it returns.

        Args:
            work: e.g. ``app.jobs.submit(…)``.
            timeout: seconds to wait; the coroutine is cancelled after that.

        Raises:
            TimeoutError: it took longer.
        """
        return self._wait(work, self.start(), timeout)

    def start(self) -> asyncio.AbstractEventLoop:
        """The loop of this process. A forked child has none of its parent's threads: it gets a loop of its own."""
        with self._turn:
            if self._loop is None or self._pid != os.getpid():
                self._pid, self._loop = os.getpid(), new_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, name="jobledger loop", daemon=True)
                self._thread.start()
                try:
                    self._wait(_enter(self._opened), self._loop)
                except BaseException:
                    self._end()
                    raise
            return self._loop

    def stop(self) -> None:
        """Leave what was entered in this process.

        When the interpreter ends, its daemon threads stand still already, so nobody would answer: others see by the
        locks that this process is gone.
        """
        if self._loop is not None and self._pid == os.getpid() and not sys.is_finalizing():
            try:
                self._wait(_leave(self._opened), self._loop)
            finally:
                self._end()

    def _wait(self, work: Coroutine[Any, Any, T], loop: asyncio.AbstractEventLoop, timeout: float | None = None) -> T:
        future = asyncio.run_coroutine_threadsafe(work, loop)
        try:
            return future.result(timeout)
        except TimeoutError:
            future.cancel()
            raise

    def _end(self) -> None:
        loop, self._loop = self._loop, None
        if loop is not None and self._thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            self._thread.join()
            loop.close()


@contextmanager
def bridge(opened: AbstractAsyncContextManager[Any]) -> Generator[Bridge]:
    """A loop in a daemon thread, with ``opened`` open on it until the block is left."""
    run = Bridge(opened)
    run.start()
    try:
        yield run
    finally:
        run.stop()


async def _enter(opened: AbstractAsyncContextManager[Any]) -> None:
    await opened.__aenter__()


async def _leave(opened: AbstractAsyncContextManager[Any]) -> None:
    await opened.__aexit__(None, None, None)
