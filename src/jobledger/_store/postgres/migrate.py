"""Bringing a database to this version's schema: numbered steps, *pre* (old code goes on beside it) or *post*."""

from __future__ import annotations

import json
from importlib import resources
from itertools import takewhile
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

import msgspec

from jobledger._core.catalog import BOUNDARIES, ladder
from jobledger._store.postgres.session import Session
from jobledger._store.postgres.sql import PACKAGE, fitted, sql_of
from jobledger.errors import BoundariesDiffer, SchemaTooNew, SchemaTooOld

if TYPE_CHECKING:
    import asyncpg

    from jobledger._store.postgres.target import Target

    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record]

_SETTINGS: Final = {"lock_timeout": "5min", "idle_in_transaction_session_timeout": "60s"}
"""Of a migration on its own connection: another one may be under way, and an index may take its time."""
_PATIENCE: Final = 24 * 3600.0


class Step(NamedTuple):
    """One migration; after a *post* one, code that does not know it can't work here any more."""

    number: int
    is_post: bool
    what: str
    text: str

    @property
    def name(self) -> str:
        """As its file is called."""
        return f"{self.number:04}_{'post' if self.is_post else 'pre'}_{self.what}"


class Migrated(NamedTuple):
    """What was done: from one schema (None: there was none) to another one, and what is left to do."""

    before: int | None
    after: int
    done: tuple[Step, ...]
    left: tuple[Step, ...]


class Book(msgspec.Struct, frozen=True):
    """What a store says of itself."""

    version: int
    needs: int
    boundaries: tuple[float, ...]


def steps() -> list[Step]:
    """All of this version, in order: ``NNNN_pre_what.sql`` or ``NNNN_post_what.sql``."""
    folder = resources.files(PACKAGE).joinpath("migrations")
    names = sorted(file.name for file in folder.iterdir() if file.name.endswith(".sql"))
    return [
        Step(int(number), when == "post", what, folder.joinpath(name).read_text(encoding="utf-8"))
        for name in names
        for number, when, what in [name.removesuffix(".sql").split("_", 2)]
    ]


NEWEST: Final = steps()[-1].number
"""The newest schema that this version knows."""
NEEDED: Final = max(step.number for step in steps() if not step.is_post)
"""The oldest one that it can work on."""


async def book(session: Session) -> Book | None:
    """What the store says of itself; None where there is none."""
    target = session.target
    sql = sql_of(target.schema, "schema.sql")
    if not await session.value(sql["has_book"], f"{target.schema}.book"):
        return None
    ((version, needs, boundaries),) = await session.fetch(sql["book"])
    return Book(version, needs, tuple(json.loads(boundaries)))


async def checked(session: Session, wanted: tuple[float, ...] | None) -> Book:
    """The same of a store that this version can work on.

    Raises:
        SchemaTooOld: there is none, or it must be migrated first.
        SchemaTooNew: a newer jobledger has migrated it.
        BoundariesDiffer: it was made with others than these.
    """
    found = await book(session)
    name = session.target.name
    if found is None:
        message = (
            f"there is no store in {name}: run `jobledger migrate --url '{name}'` first, or App(url, migrate=True)"
        )
        raise SchemaTooOld(message)
    check(found, session.target, wanted)
    if found.version < NEEDED:
        message = f"{name} has the older schema {found.version}: run `jobledger migrate --url '{name}'` first"
        raise SchemaTooOld(message)
    return found


def check(found: Book, target: Target, wanted: tuple[float, ...] | None) -> None:
    """Whether this version may touch it at all; raises as :func:`checked`."""
    if found.needs > NEWEST:
        message = (
            f"a newer jobledger has migrated {target.name} to schema {found.version}, this one knows up to {NEWEST}: "
            "it writes nothing more; upgrade it and start again"
        )
        raise SchemaTooNew(message)
    if wanted is not None and ladder(wanted) != ladder(found.boundaries):
        raise BoundariesDiffer(target.name, wanted, found.boundaries)


def brought(target: Target, wanted: tuple[float, ...] | None, *, beside: bool = False) -> Migrated:
    """Make a schema, or bring it to this version, on a connection of its own; as :func:`migrate`.

    Raises:
        StoreError: it can't be done; nothing was changed.
    """
    session = Session(target, "migrate", _SETTINGS)
    try:
        return session.run(lambda session: migrate(session, wanted, beside=beside), _PATIENCE)
    finally:
        session.close()


def version_of(target: Target) -> int | None:
    """The number of a schema; None where there is none.

    Raises:
        StoreError: it can't be read, or a newer jobledger has migrated it.
    """
    session = Session(target, "migrate", _SETTINGS)
    try:
        found = session.run(book)
        if found is not None:
            check(found, target, None)
        return None if found is None else found.version
    finally:
        session.close()


async def migrate(session: Session, wanted: tuple[float, ...] | None, *, beside: bool = False) -> Migrated:
    """Run the steps that are missing, all in one transaction and under a lock.

    Args:
        session: a connection whose role owns the schema, or may make it.
        wanted: the ladder of a new store, which an old one must have.
        beside: only those steps beside which the version before goes on working: none from the first *post* one on.

    Raises:
        SchemaTooNew: a newer jobledger has migrated it.
        BoundariesDiffer: it was made with others than these.
    """
    async with session.transaction() as connection:
        await session.value(sql_of(session.target.schema, "schema.sql")["lock"], _key(session.target))
        found = await book(session)
        if found is not None:
            check(found, session.target, wanted)
        before = None if found is None else found.version
        missing = [step for step in steps() if step.number > (before or 0)]
        allowed = [*takewhile(lambda step: not step.is_post, missing)] if beside and before is not None else missing
        for step in allowed:
            await _take(session, connection, step, wanted)
    after = allowed[-1].number if allowed else before or 0
    return Migrated(before, after, tuple(allowed), tuple(missing[len(allowed) :]))


def _key(target: Target) -> str:
    return f"jobledger migrate {target.schema}"


async def _take(session: Session, connection: Connection, step: Step, wanted: tuple[float, ...] | None) -> None:
    schema = session.target.schema
    sql = sql_of(schema, "schema.sql")
    if step.number == 1 and not await session.value(sql["has_schema"], schema):
        await connection.execute(sql["create"])  # else it may be somebody else's, with the right to make tables in it
    await connection.execute(fitted(step.text, schema))
    if step.number == 1:
        await connection.execute(sql["open_book"], json.dumps(wanted or BOUNDARIES))
    await connection.execute(sql["turn"], step.number, step.number if step.is_post else 0)
