"""Handlers that pay: what they write to a table of their own must happen exactly once."""

# ruff: noqa: S608 - statements on tables of the test's own
from __future__ import annotations

from typing import TYPE_CHECKING, Any

import asyncpg

from jobledger import App, Context
from jobledger._store.postgres.target import Target
from tests.postgres.drivers import plain_dsn

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]


class Ledger:
    """The table of the handler's own, as somebody else sees it."""

    def __init__(self, url: str, connection: Connection) -> None:
        self.schema = Target.of(url).schema
        self.connection = connection

    @classmethod
    async def made(cls, url: str) -> Ledger:
        ledger = cls(url, await asyncpg.connect(plain_dsn(url)))
        await ledger.connection.execute(
            f"CREATE TABLE IF NOT EXISTS {ledger.schema}.paid (job text, amount int);"
            f"CREATE TABLE IF NOT EXISTS {ledger.schema}.account (number int PRIMARY KEY);"
            f"CREATE TABLE IF NOT EXISTS {ledger.schema}.booking (account int REFERENCES {ledger.schema}.account"
            " DEFERRABLE INITIALLY DEFERRED)"
        )
        return ledger

    async def paid(self, job_id: str) -> int:
        """How often this job's effect has happened."""
        count: int = await self.connection.fetchval(f"SELECT count(*) FROM {self.schema}.paid WHERE job = $1", job_id)
        return count

    async def both(self, job_id: str) -> tuple[int, bool]:
        """The same, and whether the job is complete, from one snapshot."""
        row = await self.connection.fetchrow(
            f"SELECT (SELECT count(*) FROM {self.schema}.paid WHERE job = $1),"
            f" EXISTS (SELECT 1 FROM {self.schema}.ended WHERE id = $1 AND lane = 'complete')",
            job_id,
        )
        assert row is not None
        return row[0], row[1]

    async def dropped(self) -> None:
        await self.connection.execute(
            f"DROP TABLE IF EXISTS {self.schema}.paid, {self.schema}.booking, {self.schema}.account"
        )
        await self.connection.close()


async def pay(ctx: Context, connection: Any, url: str, amount: int = 1) -> None:
    """The effect."""
    await connection.execute(f"INSERT INTO {Target.of(url).schema}.paid VALUES ($1, $2)", ctx.job_id, amount)


def paying(url: str) -> App:
    """An App whose handler uses all that is committed with a completion."""
    app = App(url)

    @app.job("pay", retry_base=0.01)
    async def pay_all(ctx: Context, *, amount: int) -> int:
        async with ctx.transaction() as connection:
            await pay(ctx, connection, url, amount)
            async with connection.transaction():
                await connection.fetchval("SELECT 1")
        ctx.progress(50, "paid")
        ctx.metrics.counter("paid_total").inc(amount)
        ctx.submit("thank", {"amount": amount}, entity="thanks", dedupe=f"{amount}")
        return amount

    @app.job("thank")
    async def thank(*, amount: int) -> int:
        return amount

    return app
