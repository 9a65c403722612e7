"""Jobs with an entity that a caller's transaction submitted: until a worker has a free slot nobody looks at them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import asyncpg
import pytest

from jobledger import App
from tests.postgres.drivers import plain_dsn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

Caller: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


@pytest.fixture
async def app(postgres_schema: str) -> AsyncIterator[App]:
    app = App(postgres_schema)
    async with app:
        await app.declare("email.send")
        await app.declare("sms.send")
        yield app


@pytest.fixture
async def caller(postgres_schema: str) -> AsyncIterator[Caller]:
    connection = await asyncpg.connect(plain_dsn(postgres_schema))
    yield connection
    await connection.close()


async def submit(app: App, caller: Caller, name: str, entity: str) -> None:
    async with caller.transaction():
        await app.jobs.submit(name, {}, entity=entity, connection=caller)


async def test_the_first_of_its_entity_waits_for_a_worker(app: App, caller: Caller) -> None:
    before = (await app.metrics.snapshot()).as_of
    await submit(app, caller, "email.send", "customer:1")
    after = (await app.metrics.snapshot()).as_of
    await submit(app, caller, "email.send", "customer:2")
    assert before <= (await app.metrics.jobs.oldest_ready.read(type="email.send") or 0) <= after
    assert await app.metrics.jobs.oldest_ready.read(type="sms.send") is None


async def test_one_behind_another_waits_for_its_turn(app: App, caller: Caller) -> None:
    await app.jobs.submit("email.send", {}, entity="customer:1")
    await submit(app, caller, "email.send", "customer:2")
    await submit(app, caller, "sms.send", "customer:1")
    await submit(app, caller, "sms.send", "customer:2")
    assert await app.metrics.jobs.oldest_ready.read(type="email.send") is not None
    assert await app.metrics.jobs.oldest_ready.read(type="sms.send") is None
