"""Connections to the file, and what can be wrong with it."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import apsw

from jobledger import errors
from jobledger._store.statements import migrations, statements

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from jobledger._store.sqlite.lockfile import LockFile

APPLICATION_ID: Final = 0x6A6C6564
"""``jled``: how `file` and this library know the database."""

PACKAGE: Final = "jobledger._store.sqlite"
BUSY_MS: Final = 10_000
LOCK_SECONDS: Final = 15.0
SYNCHRONOUS: Final = {"power": 2, "process": 1, "off": 0}
_CACHE_KIB: Final = 16_384


def open_writer(path: Path, durability: str) -> apsw.Connection:
    """The one connection that writes.

    Raises:
        StoreError: with what to do about it.
    """
    with reported(path):
        connection = apsw.Connection(str(path))
        connection.set_busy_timeout(BUSY_MS)
        if connection.readonly("main"):
            message = (
                f"{path} can't be written: check its permissions and those of its directory, or read it with a reader"
            )
            raise errors.StoreReadOnly(message)
        check(connection, path)
        connection.pragma("journal_mode", "wal")
        connection.pragma("synchronous", SYNCHRONOUS[durability])
        connection.pragma("cache_size", -_CACHE_KIB)
        connection.pragma("temp_store", 2)
        _fix_plans(connection)
    return connection


def open_reader(path: Path) -> apsw.Connection:
    """A connection that can't write and never checkpoints.

    Raises:
        StoreError: with what to do about it.
    """
    if not path.exists():
        message = f"there is no store at {path}: start a worker or submit a job to create it, or check the URL"
        raise errors.NotAStore(message)
    with reported(path):
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        connection.set_busy_timeout(BUSY_MS)
        connection.pragma("wal_autocheckpoint", 0)
        version = check(connection, path)
        if version == 0:
            message = f"{path} is empty: start a worker or submit a job to create the store"
            raise errors.NotAStore(message)
        if version < migrations(PACKAGE)[-1][0]:
            message = f"{path} has the older schema {version}: run `jobledger migrate --url sqlite:///{path}` first"
            raise errors.SchemaTooOld(message)
        _fix_plans(connection)
    return connection


def _fix_plans(connection: apsw.Connection) -> None:
    """Without this, each new value of a bound parameter prepares its statement again: 40 to 150 µs instead of 3."""
    connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)


def check(connection: apsw.Connection, path: Path) -> int:
    """The schema version of a file that is ours or empty.

    Raises:
        NotAStore: it belongs to somebody else.
        SchemaTooNew: a newer jobledger wrote it.
    """
    version = int(str(connection.pragma("user_version")))
    application = int(str(connection.pragma("application_id")))
    tables = connection.execute(_SQL["count_tables"]).get
    if application != APPLICATION_ID and (tables or version):
        message = f"{path} is an SQLite database of another program: choose another file"
        raise errors.NotAStore(message)
    newest = migrations(PACKAGE)[-1][0]
    if version > newest:
        message = f"{path} has schema {version}, this jobledger knows up to {newest}: upgrade jobledger"
        raise errors.SchemaTooNew(message)
    return version


def migrate(connection: apsw.Connection, lock: LockFile, boundaries: tuple[float, ...]) -> int:
    """Bring the file to this version's schema, one numbered step a transaction; returns how many steps."""
    done = 0
    with lock.writing(LOCK_SECONDS):
        version = int(str(connection.pragma("user_version")))
        for number, text in migrations(PACKAGE):
            if number <= version:
                continue
            with connection:
                connection.execute(text)
                if number == 1:
                    connection.execute(_QUERIES["open_book"], (json.dumps(boundaries),))
                    connection.pragma("application_id", APPLICATION_ID)
                connection.pragma("user_version", number)
            done += 1
    return done


@contextmanager
def reported(path: Path) -> Generator[None]:
    """Foreign errors become ours, with the cause kept."""
    try:
        yield
    except apsw.NotADBError as error:
        message = f"{path} is not a jobledger store (not even an SQLite database): choose another file"
        raise errors.NotAStore(message) from error
    except apsw.CorruptError as error:
        message = f"{path} is damaged: stop all processes, keep a copy, and restore a backup ({error})"
        raise errors.StoreError(message) from error
    except (apsw.ReadOnlyError, apsw.PermissionsError) as error:
        message = f"{path} can't be written: check its permissions and those of its directory"
        raise errors.StoreReadOnly(message) from error
    except apsw.CantOpenError as error:
        missing = not path.parent.is_dir()
        why = f"there is no directory {path.parent}" if missing else "check that it is a file, and its permissions"
        message = f"cannot open {path}: {why}"
        raise (errors.StoreError if missing or os.access(path.parent, os.W_OK) else errors.StoreReadOnly)(
            message
        ) from error
    except apsw.BusyError as error:
        message = f"another program holds the lock of {path}: close tools that have it open for writing"
        raise errors.StoreBusy(message) from error
    except apsw.FullError as error:
        message = f"the disk of {path} is full: nothing was changed; free some space"
        raise errors.StoreError(message) from error
    except apsw.IOError as error:
        if path.is_dir():
            message = f"{path} is a directory: name a file in it"
            raise errors.NotAStore(message) from error
        message = f"the disk failed under {path}: {error}"
        raise errors.StoreError(message) from error


_QUERIES: Final = statements(PACKAGE, "queries.sql")
_SQL: Final = statements(PACKAGE, "schema.sql")
