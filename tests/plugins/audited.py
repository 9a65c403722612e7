"""After every test the books of every store that was opened in it must balance.

A test that breaks its store on purpose says so: `@pytest.mark.unaudited("why")`.
"""

from collections.abc import Awaitable, Callable, Generator, Iterator
from pathlib import Path
from typing import TypeAlias

import apsw
import pytest

from jobledger._store.postgres.session import Session
from jobledger._store.postgres.store import PostgresStore
from jobledger._store.sqlite.store import SqliteStore
from jobledger.errors import NotAStore, SchemaTooOld, StoreUnreachable
from jobledger.testing import assert_balanced
from tests.sqlite_file import SqliteFile

Opened: TypeAlias = set[Path | str]
"""Files, and URLs of PostgreSQL."""
Work: TypeAlias = Callable[[Session], Awaitable[object]]
_opened = pytest.StashKey[Opened]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse a marker without a reason before anything runs."""
    for item in items:
        for mark in item.iter_markers("unaudited"):
            if mark.kwargs or len(mark.args) != 1 or not isinstance(mark.args[0], str):
                message = f'{item.nodeid}: write @pytest.mark.unaudited("why")'
                raise pytest.UsageError(message)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None]:
    """Databases and schemas are gone when the fixtures of the test have ended: theirs are audited before."""
    try:
        if item.get_closest_marker("unaudited") is None:
            for url in sorted(place for place in item.stash.get(_opened, set()) if isinstance(place, str)):
                _audit(url)
    finally:
        yield


@pytest.fixture(autouse=True)
def books_balance(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Opened]:
    """Audit what was opened for writing in this process; a test may add what its subprocesses write."""
    opened: Opened = set()
    request.node.stash[_opened] = opened
    really_open, really_write = SqliteStore._open, PostgresStore._write

    def opening(store: SqliteStore) -> apsw.Connection:
        connection = really_open(store)
        opened.add(store.path.resolve())
        return connection

    def writing(store: PostgresStore, work: Work, **options: bool) -> object:
        opened.add(store.target.url)
        return really_write(store, work, **options)

    monkeypatch.setattr(SqliteStore, "_open", opening)
    monkeypatch.setattr(PostgresStore, "_write", writing)
    yield opened
    files = sorted(place for place in opened if isinstance(place, Path))
    try:
        if request.node.get_closest_marker("unaudited") is None:
            for path in files:
                if path.exists():
                    assert_balanced(path)
    finally:
        for path in files:
            SqliteFile(path).forget()


def _audit(url: str) -> None:
    """Where it can be: a test may have dropped its schema, its database or its server."""
    try:
        assert_balanced(url)
    except (NotAStore, SchemaTooOld, StoreUnreachable):
        return
