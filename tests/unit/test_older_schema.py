"""A reader never migrates: it says who must."""

from pathlib import Path

import pytest

from jobledger import App
from jobledger._store.sqlite import connection
from jobledger._store.statements import migrations
from jobledger.errors import SchemaTooOld


async def test_a_reader_of_an_older_schema_says_what_to_do(
    app: App, url: str, store_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with app:
        pass
    steps = migrations(connection.PACKAGE)
    with monkeypatch.context() as later:
        later.setattr(connection, "migrations", lambda _: [*steps, (steps[-1][0] + 1, "CREATE TABLE later (one)")])
        with pytest.raises(SchemaTooOld, match="jobledger migrate"):
            async with App(url, read_only=True):
                pass
