"""`jobledger.testing` takes the URL of a store as well as the path of a file."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from jobledger import App
from jobledger._store.postgres.target import Target
from jobledger.errors import SchemaTooOld
from jobledger.testing import assert_balanced, audit, audit_after
from tests.postgres.filled import connected


async def submit(url: str) -> None:
    async with App(url) as app:
        await app.declare("mail")
        await app.jobs.submit("mail", {"to": "ada"})


async def disturb(url: str) -> None:
    target = Target.of(url)
    async with connected(target.dsn) as connection:
        await connection.execute(f"UPDATE {target.schema}.job SET lane = 'processing'")  # noqa: S608 - ours


def test_a_store_on_postgres(postgres_schema: str) -> None:
    with audit_after(postgres_schema) as url:
        asyncio.run(submit(url))
    assert audit(postgres_schema).balanced


@pytest.mark.unaudited("a row is changed behind the books")
def test_what_does_not_balance_is_named(postgres_schema: str) -> None:
    """With the store's name, and without its password."""
    asyncio.run(submit(postgres_schema))
    asyncio.run(disturb(postgres_schema))
    with pytest.raises(AssertionError, match="out of balance") as raised:
        assert_balanced(postgres_schema)
    assert Target.of(postgres_schema).name in str(raised.value)


def test_a_store_that_was_never_made(postgres_database: str) -> None:
    with audit_after(postgres_database):
        pass
    with pytest.raises(SchemaTooOld, match="there is no store"):
        audit(postgres_database)


def test_a_url_of_a_file(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/jobs.db?durability=off"
    with audit_after(url) as given:
        pass
    assert given == url
    with audit_after(url):
        asyncio.run(submit(url))
    with audit_after(tmp_path / "jobs.db") as path:
        assert path == tmp_path / "jobs.db"
    assert audit(url).balanced
    assert audit(str(tmp_path / "jobs.db")).balanced
