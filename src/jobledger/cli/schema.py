"""Which schema a store has."""

from __future__ import annotations

from contextlib import closing

from jobledger._clock import SystemClock
from jobledger._store.open import open_store
from jobledger._store.sqlite.connection import check, open_reader
from jobledger._store.sqlite.store import SqliteStore
from jobledger.errors import InvalidOption


def schema_of(url: str) -> int | None:
    """The number of a store's schema; None where there is no store yet, or an empty file.

    Raises:
        StoreError: the file is something else, or was written by a newer jobledger.
        InvalidOption: the URL names no store.
    """
    store = open_store(url, SystemClock().now)
    if not isinstance(store, SqliteStore):
        raise InvalidOption("only SQLite stores have a schema that can be told")
    if not store.path.exists() or not store.path.stat().st_size:
        return None
    with closing(open_reader(store.path)) as reader:
        return check(reader, store.path)
