"""Connections to a file: what it is, is asked in one look, and one that is refused is closed."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import apsw
import pytest

from jobledger._clock import SystemClock
from jobledger._store.sqlite.connection import check, newest, open_reader
from jobledger._store.sqlite.store import SqliteStore
from jobledger.errors import NotAStore, StoreBusy
from tests.unit.test_lockfile import SOON, WRITING, other

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("when", ["user_version", "application_id", "sqlite_master"])
def test_a_store_that_is_made_meanwhile_is_no_other_programs(store_path: Path, when: str) -> None:
    """Several workers may start on a file that is not there yet."""
    maker = SqliteStore(store_path, SystemClock().now, "off")
    made: list[str] = []

    def make(_: apsw.Cursor, sql: str, __: object) -> bool:
        if when in sql and not made:
            made.append(sql)
            maker.declare((), 1)
        return True

    with closing(apsw.Connection(str(store_path))) as connection:
        connection.pragma("journal_mode", "wal")
        connection.exec_trace = make
        assert check(connection, store_path) in {0, newest()}
        assert made
        connection.exec_trace = None
        assert check(connection, store_path) == newest()
        assert connection.in_transaction is False
    maker.close()


def test_a_new_file_is_changed_under_the_write_lock_alone(store_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two that switch to the write-ahead log at once, SQLite refuses one without waiting."""
    monkeypatch.setattr("jobledger._store.sqlite.connection.LOCK_SECONDS", SOON)
    store = SqliteStore(store_path, SystemClock().now, "off")
    with other(store_path, WRITING) as writer:
        assert writer.says() == "held"
        with pytest.raises(StoreBusy, match=f"process {writer.pid} has held the write lock"):
            store.declare((), 1)
        assert store_path.stat().st_size == 0
    store.declare((), 1)
    store.close()


def test_a_reader_that_is_refused_is_closed(store_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[apsw.Connection] = []

    class Remembered(apsw.Connection):
        def __init__(self, filename: str, flags: int) -> None:
            super().__init__(filename, flags)
            opened.append(self)

    monkeypatch.setattr("jobledger._store.sqlite.connection.apsw.Connection", Remembered)
    store_path.touch()
    with pytest.raises(NotAStore, match="is empty"):
        open_reader(store_path)
    (connection,) = opened
    with pytest.raises(apsw.ConnectionClosedError):
        connection.pragma("user_version")


def test_a_reader_of_a_file_whose_maker_has_died(store_path: Path) -> None:
    """Only who may write can undo what was begun; nothing is wrong with the permissions."""
    place = store_path.with_name("maker.db")
    with closing(apsw.Connection(str(place))) as maker:
        maker.pragma("cache_size", 1)
        with maker:
            maker.execute("CREATE TABLE notes (text)")
        maker.execute("BEGIN")
        for _ in range(100):
            maker.execute("INSERT INTO notes VALUES (?)", ("x" * 4_000,))
        for ending in ("", "-journal"):
            store_path.with_name(f"{store_path.name}{ending}").write_bytes(
                place.with_name(f"{place.name}{ending}").read_bytes()
            )
        maker.execute("ROLLBACK")
    with pytest.raises(NotAStore, match=r"died while it made .*jobs\.db, or changed it: start a worker"):
        open_reader(store_path)
