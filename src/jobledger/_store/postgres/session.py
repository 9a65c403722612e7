"""One connection, used from one thread at a time, or on one loop; it comes back by itself after it was lost."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from contextlib import asynccontextmanager, suppress
from itertools import count
from typing import TYPE_CHECKING, Any, Final, TypeVar

import asyncpg

from jobledger._store.postgres.connected import WatchedConnection
from jobledger._store.postgres.reported import GONE, LOST, reported
from jobledger._store.postgres.sql import sql_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping

    from jobledger._store.postgres.target import Target

T = TypeVar("T")
log = logging.getLogger("jobledger.store")
CONNECT_SECONDS: Final = 5.0
CALL_SECONDS: Final = 60.0
_TURNS: Final = 5
"""Of the loop, until last words and the end of a connection were read, and the driver knows."""


class Session:
    """A connection with an event loop of its own, so that a store can be called from plain threads.

    Args:
        target: where to connect.
        what: what it is for, as the server's list of connections shows it.
        settings: of the connection, e.g. ``statement_timeout``; a pooler doesn't get them.

    Attributes:
        pooled: whether a pooler stands in between: its connections are others' a moment later.
        backend: the server's process for this connection.
        committing: whether what is being sent may be committed, should its answer be lost.
        is_held: whether a transaction is open on the connection, so that no other one can take its place.
        connected_at: when it was connected, on a clock of this process.
    """

    def __init__(self, target: Target, what: str, settings: Mapping[str, str] | None = None) -> None:
        """Nothing is connected yet."""
        self._inherited: object = None
        self.target = target
        self.pooled: bool = False
        self.backend: int | None = None
        self.committing = False
        self.is_held = False
        self.connected_at = 0.0
        self._what = what
        self._settings = dict(settings or {})
        self._lock = threading.Lock()
        self._loop: asyncio.SelectorEventLoop | None = None
        self._home: asyncio.AbstractEventLoop | None = None
        self._connection: WatchedConnection | None = None
        self._names = count()
        self._prepared: dict[str, Any] = {}

    def run(self, work: Callable[[Session], Awaitable[T]], seconds: float = CALL_SECONDS) -> T:
        """Run a coroutine that uses this session, and wait for it.

        It is run again on a new connection if the old one turns out to be lost: not if anything may be committed.
        Statements outside of transactions must therefore bear to be sent twice.

        Raises:
            StoreError: with what to do about it.
        """
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.SelectorEventLoop()
            return self._loop.run_until_complete(self.ask(work, seconds))

    async def ask(self, work: Callable[[Session], Awaitable[T]], seconds: float = CALL_SECONDS) -> T:
        """As :meth:`run`, on the loop that this is awaited on; a connection of another loop is let go."""
        with reported(self.target):
            if self._home is not asyncio.get_running_loop():
                self.drop()
                self._home = asyncio.get_running_loop()
            was_connected, self.committing = self._connection is not None, False
            try:
                return await self._within(work, seconds)
            except (*LOST, *GONE) as error:
                if self.committing or self.is_held or not was_connected or isinstance(error, TimeoutError):
                    raise
            return await self._within(work, seconds)

    async def _within(self, work: Callable[[Session], Awaitable[T]], seconds: float) -> T:
        try:
            async with asyncio.timeout(seconds):
                await self._hear()
                return await work(self)
        except (*LOST, *GONE, asyncpg.ReadOnlySQLTransactionError):
            self.drop()  # whatever state it is in, nobody can tell; and a new one may lead to another server
            raise
        except asyncio.CancelledError:
            self.drop()  # in the middle of a question
            raise

    async def _hear(self) -> None:
        """The loop stood still: first hear whether the server has ended the connection."""
        if self._connection is not None and self._connection.has_news():
            for _ in range(_TURNS):
                await asyncio.sleep(0)

    async def connection(self) -> asyncpg.Connection[asyncpg.Record]:
        """The connection, made anew if it was lost; but not within a transaction, whose rest would be no part of it."""
        if self._connection is None or self._connection.is_closed():
            if self.is_held:
                raise ConnectionResetError("the connection was lost in the middle of a transaction")
            self.drop()
            self._connection = await self._connect()
        return self._connection

    async def _connect(self) -> WatchedConnection:
        connection: WatchedConnection = await asyncpg.connect(
            self.target.dsn, timeout=CONNECT_SECONDS, statement_cache_size=0, connection_class=WatchedConnection,
            server_settings={"application_name": f"jobledger {self._what}"},
        )  # fmt: skip
        try:
            backend: int = await connection.fetchval(sql_of(self.target.schema, "schema.sql")["backend"])
            self.backend, self.pooled = backend, backend != connection.get_server_pid()
            if not self.pooled:
                for name, value in self._settings.items():
                    await connection.fetchval(sql_of(self.target.schema, "schema.sql")["set"], name, value)
        except BaseException:
            connection.terminate()
            raise
        self.connected_at = time.monotonic()
        return connection

    async def fetch(self, text: str, *args: object) -> list[asyncpg.Record]:
        """The rows of a statement, planned for these arguments; what types it has is asked only once."""
        return await self._fetch(text, args, stays=False)

    async def call(self, text: str, *args: object) -> list[asyncpg.Record]:
        """As :meth:`fetch` for one that does nothing but call a function: it stays prepared, as it has only one plan.

        Others do not: a plan that was made while the store was empty is a bad one later.
        """
        return await self._fetch(text, args, stays=True)

    async def _fetch(self, text: str, args: tuple[object, ...], *, stays: bool) -> list[asyncpg.Record]:
        """By a pooler the connection is somebody else's next time: nothing stays.

        No name is used again: one that was prepared without an answer would be taken on the server for good.
        """
        connection = await self.connection()
        if self.pooled:
            return await self._fetch_whole(connection, text, args)
        statement = self._prepared.get(text)
        if statement is None:
            name = f"jobledger_{next(self._names)}" if stays else ""
            statement = self._prepared[text] = await connection.prepare(text, name=name)
        found: list[asyncpg.Record] = await statement.fetch(*args)
        return found

    async def _fetch_whole(
        self, connection: asyncpg.Connection[asyncpg.Record], text: str, args: tuple[object, ...]
    ) -> list[asyncpg.Record]:
        """The driver parses and binds in two steps: only in a transaction does a pooler give both to one backend."""
        if connection.is_in_transaction():
            return await connection.fetch(text, *args)
        async with connection.transaction():
            return await connection.fetch(text, *args)

    async def value(self, text: str, *args: object) -> Any:  # noqa: ANN401 - of any type
        """The first value of the first row, or None."""
        found = await self.fetch(text, *args)
        return found[0][0] if found else None

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[asyncpg.Connection[asyncpg.Record]]:
        """One transaction of several statements; an error undoes it."""
        sql = sql_of(self.target.schema, "schema.sql")
        connection = await self.connection()
        await connection.execute(sql["begin"])
        self.is_held = True
        try:
            yield connection
        except BaseException:
            if not connection.is_closed():
                with suppress(*LOST, *GONE):
                    await connection.execute(sql["rollback"])
            raise
        finally:
            self.is_held = False
        self.committing = True
        await connection.execute(sql["commit"])

    def forget(self) -> None:
        """After a fork: the connection is the parent's, and closing it here would end it there."""
        self._inherited = (self._connection, self._loop)
        self._connection = self._loop = self._home = None
        self._prepared = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        """Give the connection back. Idempotent."""
        with self._lock:
            if self._loop is None:
                self._let_go()
                return
            self._loop.run_until_complete(self.leave())
            self._loop.close()
            self._loop = None

    def _let_go(self) -> None:
        """What nobody has given back on its own loop ends there."""
        connection, self._connection, self._prepared = self._connection, None, {}
        if connection is not None and self._home is not None:
            with suppress(RuntimeError):  # it is closed, and so is the connection
                self._home.call_soon_threadsafe(connection.terminate)

    async def leave(self) -> None:
        """Give back a connection of the loop that this is awaited on. Idempotent."""
        if self._connection is not None:
            with suppress(*LOST, asyncpg.PostgresError, RuntimeError):  # the server ends it by itself
                await self._connection.close(timeout=1)
        self.drop()

    def drop(self) -> None:
        """Let the connection go, in whatever state it is."""
        self._prepared = {}
        if self._connection is not None:
            with suppress(RuntimeError):  # its loop is closed, and so is it
                self._connection.terminate()
        self._connection = None
