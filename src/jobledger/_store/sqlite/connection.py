"""Connections to the file, and what can be wrong with it."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

import apsw

from jobledger import errors
from jobledger._core.catalog import BOUNDARIES, ladder
from jobledger._store.sqlite import disk
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
    try:
        with reported(path, connection):
            _prepare(connection, path, durability)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: apsw.Connection, path: Path, durability: str) -> None:
    connection.set_busy_timeout(BUSY_MS)
    if connection.readonly("main"):
        message = f"{path} can't be written: check its permissions and those of its directory, or read it with a reader"
        raise errors.StoreReadOnly(message)
    check(connection, path)
    connection.pragma("synchronous", SYNCHRONOUS[durability])
    connection.pragma("cache_size", -_CACHE_KIB)
    connection.pragma("temp_store", 2)
    _fix_plans(connection)


def open_reader(path: Path) -> apsw.Connection:
    """A connection that can't write and never checkpoints.

    Raises:
        StoreError: with what to do about it.
    """
    if not _exists(path):
        message = f"there is no store at {path}: start a worker or submit a job to create it, or check the URL"
        raise errors.NotAStore(message)
    with reported(path):
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            _prepare_reader(connection, path)
        except BaseException:
            connection.close()
            raise
    return connection


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:
        message = f"cannot look for {path}: {error.strerror}"
        raise errors.StoreError(message) from error


def _prepare_reader(connection: apsw.Connection, path: Path) -> None:
    connection.set_busy_timeout(BUSY_MS)
    connection.pragma("wal_autocheckpoint", 0)
    version = check(connection, path)
    if version == 0:
        message = f"{path} is empty: start a worker or submit a job to create the store"
        raise errors.NotAStore(message)
    if version < newest():
        message = f"{path} has the older schema {version}: run `jobledger migrate --url sqlite:///{path}` first"
        raise errors.SchemaTooOld(message)
    _fix_plans(connection)


def _fix_plans(connection: apsw.Connection) -> None:
    """Without this, each new value of a bound parameter prepares its statement again: 40 to 150 µs instead of 3."""
    connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)


def check(connection: apsw.Connection, path: Path) -> int:
    """The schema version of a file that is ours or empty.

    Raises:
        NotAStore: it belongs to somebody else.
        SchemaTooNew: a newer jobledger wrote it.
    """
    version, application, tables = map(int, connection.execute(_SQL["identity"]).get)
    if application != APPLICATION_ID and (tables or version):
        message = f"{path} is an SQLite database of another program: choose another file"
        raise errors.NotAStore(message)
    if version > newest():
        message = f"{path} has schema {version}, this jobledger knows up to {newest()}: upgrade jobledger"
        raise errors.SchemaTooNew(message)
    return version


def newest() -> int:
    """The newest schema that this version knows."""
    return migrations(PACKAGE)[-1][0]


def gate(connection: apsw.Connection, known: int) -> None:
    """A newer jobledger may have migrated the file under this process: asked in every transaction, before all else.

    Raises:
        SchemaTooNew: it has; what this version would write, or has read, means something else now.
    """
    version = int(str(connection.execute(_SQL["schema"]).get))
    if version > known:
        message = (
            f"a newer jobledger has migrated {connection.filename} to schema {version}, this one knows up to {known}: "
            "it writes nothing more; upgrade it and start again"
        )
        raise errors.SchemaTooNew(message)


def migrate(connection: apsw.Connection, lock: LockFile, boundaries: tuple[float, ...] | None) -> int:
    """Bring the file to this version's schema, one numbered step a transaction; returns how many steps.

    Raises:
        BoundariesDiffer: the store has others than these; it was not migrated.
        SchemaTooNew: another process, and a newer jobledger, was faster.
    """
    done = 0
    with lock.writing(LOCK_SECONDS):
        gate(connection, newest())
        connection.pragma("journal_mode", "wal")  # of two that switch at once, SQLite refuses one without waiting
        version = int(str(connection.pragma("user_version")))
        if version:
            check_boundaries(connection, boundaries)
            _settle_log(connection, lock)
        for number, text in migrations(PACKAGE):
            if number <= version:
                continue
            with connection:
                connection.execute(text)
                if number == 1:
                    connection.execute(_QUERIES["open_book"], (json.dumps(boundaries or BOUNDARIES),))
                    connection.pragma("application_id", APPLICATION_ID)
                connection.pragma("user_version", number)
            done += 1
    return done


def _settle_log(connection: apsw.Connection, lock: LockFile) -> None:
    """Copy what the log has into the file, before anything is written on top of it.

    Whoever died may have died of a sync that failed. What he wrote last is found in the log then, but it may be in
    memory only, and no sync will write it any more: the system takes it for written. After a power cut the log would
    end there, and everything behind it would be lost. Where others are alive, the first of them has done this.
    """
    if all(lock.is_dead(writer_id) for (writer_id,) in connection.execute(_SQL["writers"])):
        with suppress(apsw.BusyError):  # all is copied; but somebody has read for long, and the log must grow on
            connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_RESTART)


def boundaries_of(connection: apsw.Connection) -> tuple[float, ...]:
    """The ladder of the store, in seconds."""
    return tuple(json.loads(str(connection.execute(_QUERIES["boundaries"]).get)))


def check_boundaries(connection: apsw.Connection, wanted: tuple[float, ...] | None) -> None:
    """Whoever names boundaries must mean the store's. They are compared as the ledger does, in whole microseconds.

    Raises:
        BoundariesDiffer: the store was made with others.
    """
    if wanted is not None and ladder(wanted) != ladder(stored := boundaries_of(connection)):
        raise errors.BoundariesDiffer(connection.filename, wanted, stored)


@contextmanager
def reported(path: Path, connection: apsw.Connection | None = None) -> Generator[None]:
    """Foreign errors become ours, with the cause kept; of a connection the system's own error is known, too."""
    try:
        yield
    except apsw.NotADBError as error:
        message = f"{path} is not a jobledger store (not even an SQLite database): choose another file"
        raise errors.NotAStore(message) from error
    except apsw.CorruptError as error:
        message = f"{path} is damaged: stop all processes, keep a copy, and restore a backup ({error})"
        raise errors.StoreError(message) from error
    except (apsw.ReadOnlyError, apsw.PermissionsError) as error:
        if disk.is_half_made(error):
            message = f"a process died while it made {path}, or changed it: start a worker or run `jobledger migrate`"
            raise errors.NotAStore(message) from error
        message = f"{path} can't be written: check its permissions and those of its directory"
        raise errors.StoreReadOnly(message) from error
    except apsw.CantOpenError as error:
        if disk.has_no_space(path.parent):
            raise disk.full(path) from error
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
        raise disk.full(path) from error
    except apsw.IOError as error:
        if connection is not None and disk.is_unsynced(error):
            connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)  # which would sync the log again
        raise disk.failed(path, error, 0 if connection is None else connection.system_errno) from error


_QUERIES: Final = statements(PACKAGE, "queries.sql")
_SQL: Final = statements(PACKAGE, "schema.sql")
