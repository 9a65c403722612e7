"""Which schema a store has, and bringing it to this version's."""

from __future__ import annotations

import asyncio
from contextlib import closing
from typing import NamedTuple

from jobledger._clock import SystemClock
from jobledger._store.open import is_postgres, open_store
from jobledger._store.postgres.target import Target
from jobledger._store.sqlite.connection import check, open_reader
from jobledger._store.sqlite.store import SqliteStore
from jobledger.app import App


class Moved(NamedTuple):
    """From one schema (None: there was no store) to another one, by these steps, with these left.

    An SQLite file has one owner at a time, so its steps have no names: all of them are always taken.
    """

    before: int | None
    after: int | None
    steps: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


def schema_of(url: str) -> int | None:
    """The number of a store's schema; None where there is no store yet, or an empty file.

    Raises:
        StoreError: it is something else, or was migrated by a newer jobledger.
        InvalidOption: the URL names no store.
    """
    if is_postgres(url):
        target = _target(url)
        from jobledger._store.postgres.migrate import version_of

        return version_of(target)
    store = open_store(url, SystemClock().now)
    assert isinstance(store, SqliteStore)  # noqa: S101 - the other kind
    if not store.path.exists() or not store.path.stat().st_size:
        return None
    with closing(open_reader(store.path)) as reader:
        return check(reader, store.path)


def bring(url: str, boundaries: tuple[float, ...] | None, *, beside: bool) -> Moved:
    """Make a store, or bring it to this version's schema.

    Args:
        url: the store.
        boundaries: the ladder of a new one.
        beside: on PostgreSQL, only the steps beside which the version before goes on working.

    Raises:
        StoreError: it can't be done; nothing was changed.
        InvalidOption: the URL names no store.
    """
    if is_postgres(url):
        target = _target(url)
        from jobledger._store.postgres.migrate import brought

        done = brought(target, boundaries, beside=beside)
        return Moved(done.before, done.after, *(tuple(one.name for one in some) for some in (done.done, done.left)))
    before = schema_of(url)
    asyncio.run(_open(url, boundaries))
    return Moved(before, schema_of(url))


def _target(url: str) -> Target:
    """Where it is, if its driver is installed."""
    open_store(url, SystemClock().now)
    return Target.of(url)


async def _open(url: str, boundaries: tuple[float, ...] | None) -> None:
    async with App(url, boundaries=boundaries):
        pass
