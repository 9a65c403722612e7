"""The caller's own connections: which driver they are of, and how jobs are submitted through them.

None of these drivers is imported before a connection of it is given, and none is needed for that.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec

from jobledger._core.priority import Priority
from jobledger._store.postgres.sql import sql_of
from jobledger.errors import InvalidOption, SchemaTooOld, UnknownType

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from jobledger._core.commands import Submit
    from jobledger._store.building import Built
    from jobledger._store.intake import Options

Answers: TypeAlias = "list[tuple[str, str | None]]"
"""For each item its id, and the other job that holds its dedupe key."""

_ASYNC: Final = {
    ("asyncpg", "Connection"): "asyncpg",
    ("asyncpg", "PoolConnectionProxy"): "asyncpg",
    ("psycopg", "AsyncConnection"): "psycopg",
    ("sqlalchemy", "AsyncSession"): "sqlalchemy",
    ("sqlalchemy", "async_scoped_session"): "sqlalchemy",
    ("sqlalchemy", "AsyncConnection"): "sqlalchemy",
}
_SYNC: Final = {
    ("psycopg", "Connection"): "psycopg",
    ("sqlalchemy", "Session"): "sqlalchemy",
    ("sqlalchemy", "scoped_session"): "sqlalchemy",
    ("sqlalchemy", "Connection"): "sqlalchemy",
}
_KNOWN: Final = (
    "an asyncpg connection, a psycopg 3 connection (also an asynchronous one), or a SQLAlchemy Session, AsyncSession, "
    "Connection or AsyncConnection; any other driver can run SELECT jobledger.submit(…)"
)
_UNKNOWN_TYPE: Final = "JL004"
_REFUSED: Final = "JL005"
_MISSING: Final = frozenset({"3F000", "42883"})  # no such schema, no such function


class Wanted(msgspec.Struct, frozen=True, omit_defaults=True):
    """One job as ``submit_all`` takes it; what is None is the type's default."""

    id: str
    type: str
    payload: str
    entity: str | None = None
    priority: str | None = None
    delay: int | None = None
    due_at: int | None = None
    timeout: int | None = None
    max_attempts: int | None = None
    dedupe: str | None = None
    dedupe_for: int | None = None
    batch: str | None = None
    trace: str | None = None


def wanted(type_name: str, built: Iterable[Built]) -> list[Wanted]:
    """Checked commands; a type's defaults are left to the database that the connection is of."""
    return [_wanted(type_name, one.sent, one.options) for one in built]


def _wanted(type_name: str, sent: Submit, options: Options) -> Wanted:
    return Wanted(
        id=sent.id, type=type_name, payload=sent.payload.decode(), entity=sent.entity,
        priority=None if options.priority is None else Priority(sent.priority).label,
        delay=sent.delay or None, due_at=sent.due_at,
        timeout=None if options.timeout is None else sent.timeout,
        max_attempts=None if options.max_attempts is None else sent.max_attempts,
        dedupe=sent.dedupe, dedupe_for=sent.dedupe_for or None, batch=sent.batch, trace=sent.trace,
    )  # fmt: skip


class Caller:
    """A connection that a caller has given, in whose open transaction jobs are submitted.

    Args:
        connection: of a driver that is known here.
        schema: the store's, quoted.
        wait: whether the call is awaited.

    Raises:
        InvalidOption: the connection is of another kind, or has no transaction open.
    """

    def __init__(self, connection: Any, schema: str, *, wait: bool) -> None:  # noqa: ANN401 - of one of many drivers
        """Find out what it is; nothing is sent."""
        names = [(kind.__module__.partition(".")[0], kind.__name__) for kind in type(connection).__mro__]
        driver = next((found for name in names if (found := (_ASYNC if wait else _SYNC).get(name))), None)
        if driver is None:
            raise InvalidOption(_unfit(connection, names, wait=wait))
        self._connection = connection
        self._driver = driver
        self._text = sql_of(schema, "submit.sql")[driver]
        if not self._is_in_transaction():
            message = (
                "this connection commits each statement by itself: open a transaction first, so that the job is "
                "committed with your own data, or leave `connection` out"
            )
            raise InvalidOption(message)

    def _is_in_transaction(self) -> bool:
        """SQLAlchemy begins by itself; so does psycopg, unless it is told not to."""
        if self._driver == "asyncpg":
            return bool(self._connection.is_in_transaction())
        if self._driver == "psycopg":
            idle = self._connection.info.transaction_status == 0
            return not (idle and self._connection.autocommit)
        return True

    def submit(self, items: Sequence[Wanted], *, strict: bool) -> Answers:
        """Submit through a synchronous connection.

        Raises:
            UnknownType: the database knows no such type; as after any error of SQL, the transaction can't go on.
            SchemaTooOld: the connection is to a database without this store.
        """
        try:
            if self._driver == "psycopg":
                with self._cursor() as cursor:
                    return _answers(cursor.execute(self._text, (_encoded(items), strict)).fetchall())
            return _answers(self._connection.execute(_sqlalchemy(self._text), _named(items, strict=strict)).all())
        except Exception as error:
            _report(error, items)
            raise

    async def submit_async(self, items: Sequence[Wanted], *, strict: bool) -> Answers:
        """The same through an asynchronous one."""
        try:
            if self._driver == "asyncpg":
                return _answers(await self._connection.fetch(self._text, _encoded(items), strict))
            if self._driver == "psycopg":
                async with self._cursor() as cursor:
                    await cursor.execute(self._text, (_encoded(items), strict))
                    return _answers(await cursor.fetchall())
            found = await self._connection.execute(_sqlalchemy(self._text), _named(items, strict=strict))
            return _answers(found.all())
        except Exception as error:
            _report(error, items)
            raise

    def _cursor(self) -> Any:  # noqa: ANN401 - psycopg's own
        """Rows come as tuples, whatever the caller has set."""
        return self._connection.cursor(row_factory=import_module("psycopg.rows").tuple_row)


def _unfit(connection: object, names: list[tuple[str, str]], *, wait: bool) -> str:
    if wait and any(name in _SYNC for name in names):
        return "this connection is a synchronous one: use app.jobs.submit_on(connection, …), without await"
    if not wait and any(name in _ASYNC for name in names):
        return "this connection is an asynchronous one: use await app.jobs.submit(…, connection=connection)"
    kind = type(connection)
    return f"{kind.__module__}.{kind.__qualname__} is no connection to submit through: give {_KNOWN}"


def _encoded(items: Sequence[Wanted]) -> str:
    return msgspec.json.encode(items).decode()


def _named(items: Sequence[Wanted], *, strict: bool) -> dict[str, object]:
    return {"items": _encoded(items), "strict": strict}


def _sqlalchemy(text: str) -> Any:  # noqa: ANN401 - SQLAlchemy's own
    return import_module("sqlalchemy").text(text)


def _answers(rows: Sequence[Any]) -> Answers:
    return [(row[0], row[1]) for row in rows]


def _report(error: Exception, items: Sequence[Wanted]) -> None:
    """What jobledger's own functions have refused becomes an error of ours; all others are the caller's to see."""
    cause: Any = getattr(error, "orig", error)
    state = getattr(cause, "sqlstate", None)
    if state == _UNKNOWN_TYPE:
        raise UnknownType(items[0].type) from error
    if state == _REFUSED:
        raise InvalidOption(str(cause)) from error
    if state in _MISSING:
        message = "the connection is to a database without this App's store: connect to that one, or migrate it first"
        raise SchemaTooOld(message) from error
