"""Wake-ups between processes: a connection of its own, coalesced, and never needed."""

from __future__ import annotations

import asyncio
import logging
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from jobledger._store.hint import ANY, both, types_of, word_of
from jobledger._store.postgres.reported import GONE, LOST
from jobledger._store.postgres.session import CONNECT_SECONDS, Session
from jobledger._store.postgres.sql import sql_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from jobledger._store.postgres.target import Target

log = logging.getLogger("jobledger.store")
APART_SECONDS: Final = 0.01
"""Commits within this time share one notification: the server makes notifying commits queue."""
RETRY_SECONDS: Final = 1.0
SETTINGS: Final = {"synchronous_commit": "off"}
"""A notification writes a commit record, too: whoever waits to be woken must not wait for that to be on disk."""


class Side:
    """Notifies others after commits, and hears their notifications: in a thread, or on the loop of a worker.

    Args:
        target: the store.
        heard: called after another process has notified, with the types that it named (none: whatever there is); None
            does not listen.
        loop: where to do it, by one who is on it; None: in a thread.
    """

    def __init__(
        self,
        target: Target,
        heard: Callable[[frozenset[int]], None] | None,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """Begin; who wants to hear from a thread waits until that listens."""
        self._target = target
        self._heard = heard
        self._loop = loop if loop is not None else asyncio.SelectorEventLoop()
        self._due = asyncio.Event()
        self._types: frozenset[int] | None = None
        self._adding = threading.Lock()
        self._ended = False
        self._said = False
        self._ready = threading.Event()
        self._begun = asyncio.Event()
        self._thread: threading.Thread | None = None
        self._serving: asyncio.Task[None] | None = None
        if loop is not None:
            self._serving = loop.create_task(self._serve(), name="jobledger wake")
            return
        self._thread = threading.Thread(target=self._run, name="jobledger wake", daemon=True)
        self._thread.start()
        if heard is not None:
            self._ready.wait(CONNECT_SECONDS)

    def ring(self, types: frozenset[int] = ANY) -> None:
        """Work is left, of these types or of any: tell the others soon.

        What comes before it can be told is told together, and does not wake the thread again; who does not know of
        which types says so for all.
        """
        with self._adding:
            is_known = self._types is not None
            self._types = types if self._types is None else both(self._types, types)
        if not is_known:
            self._call_up()

    def _call_up(self) -> None:
        with suppress(RuntimeError):  # it has been closed meanwhile
            self._loop.call_soon_threadsafe(self._due.set)

    def close(self) -> None:
        """End; a thread is waited for."""
        self._ended = True
        self._call_up()
        if self._thread is not None:
            self._thread.join(timeout=5)

    async def begun(self) -> None:
        """Wait until it listens, but not for ever."""
        with suppress(TimeoutError):
            async with asyncio.timeout(CONNECT_SECONDS):
                await self._begun.wait()

    async def leave(self) -> None:
        """End, without waiting for a thread."""
        self._ended = True
        self._call_up()
        if self._serving is not None:
            self._serving.cancel()
            await asyncio.wait([self._serving])

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        while not self._ended:
            session = Session(self._target, "wake", SETTINGS)
            try:
                await self._connected(session)
            except (*LOST, *GONE, ExceptionGroup) as error:
                self._say(f"other workers can't be woken, they look by themselves: {error}")
            except Exception as error:  # noqa: BLE001 - hints only: nothing may end by them
                self._say(f"other workers can't be woken, they look by themselves: {error!r}")
            finally:
                session.drop()
            if not self._ended:
                await asyncio.sleep(RETRY_SECONDS)

    async def _connected(self, session: Session) -> None:
        connection = await session.connection()
        channel = self._target.channel
        notify = sql_of(self._target.schema, "wake.sql")["notify"]
        if self._heard is not None:
            if session.pooled:
                self._say("a pooler can't pass wake-ups on: this worker looks by itself")
            else:
                await connection.add_listener(channel, self._notified)
                if self._ready.is_set():
                    self._heard(ANY)  # what came while it could not listen
        self._ready.set()
        self._begun.set()
        self._said = False
        while not self._ended and not connection.is_closed():
            with suppress(TimeoutError):
                async with asyncio.timeout(RETRY_SECONDS):
                    await self._due.wait()
            if self._due.is_set() and not self._ended:
                self._due.clear()
                with self._adding:
                    types, self._types = self._types or ANY, None
                async with asyncio.timeout(CONNECT_SECONDS):
                    await session.fetch(notify, channel, word_of(types))
                await asyncio.sleep(APART_SECONDS)

    def _notified(self, connection: Any, pid: int, _: object, word: object) -> None:  # noqa: ANN401 - asyncpg's own
        if self._ended or connection.is_closed():
            return
        if self._heard is not None and pid != connection.get_server_pid():
            self._heard(types_of(str(word)))

    def _say(self, message: str) -> None:
        if not self._said and not self._ended:
            log.warning(message)
        self._said = True
