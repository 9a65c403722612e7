"""The SQLite store as the conformance suite opens it: a real file, without syncing."""

from __future__ import annotations

import os
from contextlib import closing
from typing import TYPE_CHECKING, Any

import apsw

from jobledger._store.sqlite import lockfile
from jobledger._store.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class SqliteFile:
    """A :class:`jobledger.conformance.factory.StoreFactory` of one file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __call__(self, now: Callable[[], int], boundaries: tuple[float, ...] | None = None) -> SqliteStore:
        return SqliteStore(self.path, now, "off", boundaries)

    def dump(self) -> dict[str, list[Any]]:
        """Every row of every table, the hidden ones too."""
        with closing(apsw.Connection(str(self.path), flags=apsw.SQLITE_OPEN_READONLY)) as connection:
            tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            return {table: list(connection.execute(f"SELECT * FROM {table}")) for table in tables}  # noqa: S608 - names of our own tables

    def forget(self) -> None:
        """Close the lock file, which a process else keeps open to its end: many tests open many stores."""
        lock = lockfile._opened.pop(f"{self.path.resolve()}-lock", None)
        if lock is not None:
            os.close(lock._descriptor)
