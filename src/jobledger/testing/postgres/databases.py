"""Fresh databases in a server."""

from __future__ import annotations

import asyncio
import inspect
import secrets
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias, TypeVar
from urllib.parse import urlsplit

from jobledger._store.statements import statements
from jobledger.errors import InvalidOption

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Generator

    Prepare: TypeAlias = Callable[[str], Awaitable[object] | object]
    Result = TypeVar("Result")

EMPTY: Final = "template0"
_PATIENCE: Final = 30
_SCHEMES: Final = {"postgresql", "postgres"}


class Server:
    """A PostgreSQL server that somebody else runs; fresh databases are made in it, and dropped at the end.

    All calls block, also where an event loop runs.

    Args:
        url: of a database that is there; the user may create databases.

    Raises:
        InvalidOption: this is no URL of PostgreSQL.

    Example:
        >>> with Server("postgresql://me:secret@db.example/postgres") as server, server.database() as url:
        ...     App(url)  # doctest: +SKIP
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in _SCHEMES or not parts.path.strip("/"):
            message = "a server is named like postgresql://user:password@host:5432/database"
            raise InvalidOption(message)
        self._url = parts
        self._prefix = f"jobledger_test_{secrets.token_hex(4)}"
        self._count = 0
        self._made: set[str] = set()
        self._templates: dict[Prepare, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @cached_property
    def version(self) -> int:
        """The server's version: 150018 is 15.18."""
        return int(self._run(_fetch(self._admin_url, _statement("version"))))

    def url(self, database: str | None = None) -> str:
        """The URL of a database; without a name, of the one that is always there."""
        return self._url.geturl() if database is None else self._url._replace(path=f"/{database}").geturl()

    def create_database(self, prepare: Prepare | None = None) -> str:
        """A fresh database, by name: empty, or as `prepare` makes it.

        Args:
            prepare: is called (and awaited) with the URL of an empty database, once per server; what it made is copied
                from then on. It must close its connections.
        """
        return self._create(EMPTY if prepare is None else self._template(prepare))

    def drop_database(self, name: str) -> None:
        """Drop a database that was made here, together with the connections to it.

        Raises:
            InvalidOption: it was not made here.
        """
        if name not in self._made:
            message = f"the database {name!r} was not made here, so it stays"
            raise InvalidOption(message)
        self._execute("drop", database=name)
        self._made.discard(name)

    @contextmanager
    def database(self, prepare: Prepare | None = None) -> Generator[str]:
        """The URL of a fresh database, which is dropped when the block ends; as :meth:`create_database`."""
        name = self.create_database(prepare)
        try:
            yield self.url(name)
        finally:
            self.drop_database(name)

    def close(self) -> None:
        """Drop all databases that were made here."""
        for name in sorted(self._made):
            self.drop_database(name)

    @property
    def _admin_url(self) -> str:
        return self.url()

    @property
    def _create_statement(self) -> str:
        return "create"

    def _create(self, template: str) -> str:
        self._count += 1
        name = f"{self._prefix}_{self._count}"
        self._execute(self._create_statement, database=name, template=template)
        self._made.add(name)
        return name

    def _template(self, prepare: Prepare) -> str:
        if prepare not in self._templates:
            name = self._create(EMPTY)
            self._run(_called(prepare, self.url(name)))
            self._execute("close", database=name)
            self._templates[prepare] = name
        return self._templates[prepare]

    def _execute(self, statement: str, **names: str) -> None:
        self._run(_fetch(self._admin_url, _statement(statement).format(**names)))

    def _run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """In a thread of its own, since a loop may run in this one."""
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, work).result()


async def _fetch(url: str, statement: str) -> Any:  # noqa: ANN401 - what the statement gives
    import asyncpg

    connection = await asyncpg.connect(url, timeout=_PATIENCE, command_timeout=_PATIENCE)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close(timeout=_PATIENCE)


async def _called(prepare: Prepare, url: str) -> None:
    result = prepare(url)
    if inspect.isawaitable(result):
        await result


def _statement(name: str) -> str:
    return statements(__package__, "databases.sql")[name]
