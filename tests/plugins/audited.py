"""After every test the books of every store file that was opened in it must balance.

A test that breaks its file on purpose says so: `@pytest.mark.unaudited("why")`.
"""

from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from jobledger._store.sqlite.store import SqliteStore
from jobledger.testing import assert_balanced
from tests.sqlite_file import SqliteFile


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse a marker without a reason before anything runs."""
    for item in items:
        for mark in item.iter_markers("unaudited"):
            if mark.kwargs or len(mark.args) != 1 or not isinstance(mark.args[0], str):
                message = f'{item.nodeid}: write @pytest.mark.unaudited("why")'
                raise pytest.UsageError(message)


@pytest.fixture(autouse=True)
def books_balance(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[set[Path]]:
    """Audit what was opened for writing in this process; a test may add files that its subprocesses write."""
    opened: set[Path] = set()
    really_open = SqliteStore._open

    def opening(store: SqliteStore) -> apsw.Connection:
        connection = really_open(store)
        opened.add(store.path.resolve())
        return connection

    monkeypatch.setattr(SqliteStore, "_open", opening)
    yield opened
    try:
        if request.node.get_closest_marker("unaudited") is None:
            for path in sorted(opened):
                if path.exists():
                    assert_balanced(path)
    finally:
        for path in opened:
            SqliteFile(path).forget()
