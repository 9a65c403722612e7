"""The PostgreSQL store as tests open it: a schema of its own in a real server."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import asyncpg

from jobledger._core.catalog import BOUNDARIES
from jobledger._store.postgres.migrate import book, brought
from jobledger._store.postgres.session import Session
from jobledger._store.postgres.store import PostgresStore
from jobledger._store.postgres.target import Target

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

_SQL: Final = {
    name.strip(): rest.partition("\n")[2].rstrip().rstrip(";")
    for name, _, rest in (
        block.partition("\n")
        for block in Path(__file__).with_name("schemas.sql").read_text(encoding="utf-8").split("-- name: ")[1:]
    )
}


class Schemas:
    """Schemas of one database, lent to one test at a time.

    Making one takes a hundred times longer than emptying one, so they are used again.

    Args:
        url: the database; nobody else uses it.
    """

    def __init__(self, url: str) -> None:
        # A test's commit need not survive the server; servers of other people sync, and that takes most of the time.
        self._url = f"{url}{'&' if '?' in url else '?'}synchronous_commit=off"
        self._numbers = count(1)
        self._free: list[str] = []
        self._session = Session(Target.of(url), "tests")

    def fresh(self) -> str:
        """The URL of a schema that is not there."""
        return f"{self._url}&schema=test_{next(self._numbers)}"

    def lend(self) -> str:
        """The URL of a schema that is migrated and empty."""
        return self._free.pop() if self._free else self._made()

    def take_back(self, url: str) -> None:
        """Empty a schema for the next test; whoever still uses it is cut off."""
        schema = Target.of(url).schema
        self._execute(_SQL["others"])
        try:
            self._execute(_SQL["empty"].replace("{schema}", schema))
        except Exception:
            self._execute(_SQL["drop"].replace("{schema}", schema))
            raise
        self._free.append(url)

    def drop(self, url: str) -> None:
        """Drop a schema for good."""
        self._execute(_SQL["others"])
        self._execute(_SQL["drop"].replace("{schema}", Target.of(url).schema))

    def close(self) -> None:
        """Give the connection back."""
        self._session.close()

    def _made(self) -> str:
        url = self.fresh()
        target = Target.of(url)
        brought(target, None)
        session = Session(target, "tests")
        found = session.run(book)
        session.close()
        assert found is not None
        remember = _SQL["remember"].replace("{schema}", target.schema)
        kept = {"version": found.version, "needs": found.needs, "boundaries": [*found.boundaries]}
        for name, value in kept.items():
            remember = remember.replace(f"{{{name}}}", str(value))
        self._execute(remember)
        return url

    def _execute(self, statement: str) -> None:
        """In a thread, since a loop may run in this one."""

        async def execute(session: Session) -> None:
            await (await session.connection()).execute(statement)

        with ThreadPoolExecutor(1) as thread:
            thread.submit(self._session.run, execute).result()


class PostgresPlace:
    """A :class:`jobledger.conformance.factory.StoreFactory` of one schema."""

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas
        self._lent: str | None = None
        self._own: str | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        if self._own is not None:
            return self._own
        if self._lent is None:
            self._lent = self._schemas.lend()
        return self._lent

    @property
    def target(self) -> Target:
        return Target.of(self.url)

    def __call__(self, now: Callable[[], int], boundaries: tuple[float, ...] | None = None) -> PostgresStore:
        if self._lent is None and self._own is None and boundaries not in {None, BOUNDARIES}:
            self._own = self._schemas.fresh()  # those that are lent have the usual ladder
        return PostgresStore(self.target, now, boundaries, migrating=True)

    def dump(self) -> dict[str, list[Any]]:
        """Every row of every table."""
        dumped: dict[str, list[Any]] = self.ask(self._dump)
        return dumped

    def forget(self) -> None:
        """Give the schema back."""
        if self._own is not None:
            self._schemas.drop(self._own)
        if self._lent is not None:
            self._schemas.take_back(self._lent)

    def ask(self, question: Callable[[asyncpg.Connection[asyncpg.Record]], Coroutine[Any, Any, Any]]) -> Any:
        """Ask something on a connection of its own; also where an event loop runs."""

        async def asked() -> Any:
            connection = await asyncpg.connect(self.target.dsn)
            try:
                return await question(connection)
            finally:
                await connection.close()

        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, asked()).result()

    async def _dump(self, connection: asyncpg.Connection[asyncpg.Record]) -> dict[str, list[Any]]:
        schema = self.target.schema.strip('"')
        tables = await connection.fetch(_SQL["tables"], schema)
        return {
            name: [tuple(row) for row in await connection.fetch(f'SELECT * FROM "{schema}"."{name}" ORDER BY 1, 2')]  # noqa: S608 - names of our own tables
            for (name,) in tables
        }
