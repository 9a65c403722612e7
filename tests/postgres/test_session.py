"""A connection that is lost comes back by itself, but never in the middle of a transaction."""

from __future__ import annotations

import asyncio

import pytest

from jobledger._store.postgres.session import Session
from jobledger._store.postgres.target import Target
from jobledger.errors import StoreUnreachable


def test_the_rest_of_a_transaction_is_not_sent_on_another_connection(postgres_database: str) -> None:
    session = Session(Target.of(postgres_database), "test")

    async def interrupted(session: Session) -> None:
        async with session.transaction() as connection:
            await connection.execute("CREATE TABLE kept (n int)")
            connection.terminate()
            await asyncio.sleep(0)
            await session.fetch("CREATE TABLE alone (n int)")

    with pytest.raises(StoreUnreachable, match="in the middle of a transaction"):
        session.run(interrupted)
    tables = "SELECT count(*) FROM pg_tables WHERE tablename IN ('kept', 'alone')"
    assert session.run(lambda session: session.value(tables)) == 0
    session.close()
