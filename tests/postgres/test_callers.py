"""Jobs are submitted in a transaction of the caller's, by whatever driver: with its data, or not at all."""

# ruff: noqa: S608 - statements on tables of the test's own
from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import asyncpg
import psycopg
import pytest

from jobledger import App, Cancelled, Item, Status
from jobledger._store.postgres.target import Target
from jobledger.errors import Duplicate, InvalidOption, InvalidPayload, NotFound, SchemaTooOld, UnknownType
from tests.postgres.drivers import DRIVERS, Hand, plain_dsn

ORDERS = "CREATE TABLE IF NOT EXISTS {schema}.orders (number int)"


@pytest.fixture
async def app(postgres_schema: str) -> AsyncIterator[App]:
    app = App(postgres_schema)

    @app.job("order.ship")
    async def ship(*, order: int) -> int:
        return order

    async with app:
        yield app


@pytest.fixture
async def own(postgres_schema: str) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    """A connection with a table of the caller's own."""
    target = Target.of(postgres_schema)
    connection = await asyncpg.connect(plain_dsn(postgres_schema))
    await connection.execute(ORDERS.format(schema=target.schema))
    yield connection
    await connection.execute(f"DROP TABLE {target.schema}.orders")
    await connection.close()


@asynccontextmanager
async def hand(driver: str, app: App) -> AsyncIterator[Hand]:
    async with DRIVERS[driver](app, plain_dsn(app.url)) as opened:
        yield opened


def insert(app: App, number: int) -> str:
    return f"INSERT INTO {Target.of(app.url).schema}.orders VALUES ({number})"


async def counted(app: App) -> tuple[int, int]:
    enqueued = await app.metrics.jobs.enqueued.read(type="order.ship")
    return enqueued, await app.metrics.jobs.queue_depth.read(type="order.ship")


@pytest.mark.parametrize("driver", DRIVERS)
async def test_rolled_back_there_is_no_job_and_no_count(driver: str, app: App, own: Any) -> None:
    async with hand(driver, app) as opened:
        await opened.execute(insert(app, 7))
        job_id = await opened.submit("order.ship", {"order": 7}, dedupe="7")
        await opened.end(False)

    with pytest.raises(NotFound):
        await app.jobs.status(job_id)
    assert await counted(app) == (0, 0)
    assert await own.fetch(f"SELECT * FROM {Target.of(app.url).schema}.orders") == []
    assert (await app.jobs.submit("order.ship", {"order": 7}, dedupe="7")).created


@pytest.mark.parametrize("driver", DRIVERS)
async def test_committed_there_are_both_and_a_worker_finds_the_job_by_itself(driver: str, app: App, own: Any) -> None:
    async with hand(driver, app) as opened, app.worker():
        await opened.execute(insert(app, 7))
        job_id = await opened.submit("order.ship", {"order": 7}, entity="customer:1", priority="high")
        with pytest.raises(NotFound):
            await app.jobs.status(job_id)
        await opened.end(True)

        assert await app.jobs.result(job_id, wait=5) == 7
    assert (await app.jobs.status(job_id)).priority == "high"
    assert await counted(app) == (1, 0)
    assert [tuple(row) for row in await own.fetch(f"SELECT * FROM {Target.of(app.url).schema}.orders")] == [(7,)]


@pytest.mark.parametrize("driver", DRIVERS)
async def test_a_batch_and_held_keys_join_too(driver: str, app: App, own: Any) -> None:
    first = await app.jobs.submit("order.ship", {"order": 1}, dedupe="first")
    async with hand(driver, app) as opened:
        items = [{"order": 2}, Item({"order": 3}, dedupe="first"), Item({"order": 4}, entity="customer:4", delay=60)]
        ids = await opened.submit("order.ship", items, batch="april")
        again = await opened.submit("order.ship", {"order": 5}, dedupe="first")
        with pytest.raises(Duplicate, match="held by job") as refused:
            await opened.submit("order.ship", [{"order": 6}, Item({"order": 7}, dedupe="first")], on_duplicate="raise")
        await opened.end(True)

    assert [job_id.created for job_id in ids] == [True, False, True]
    assert (ids[1], again, again.created, refused.value.job_id) == (first, first, False, first)
    assert len((await app.jobs.list(batch="april")).jobs) == 2
    assert await app.metrics.jobs.enqueued.read(type="order.ship") == 3
    assert await app.metrics.jobs.deduplicated.read(type="order.ship") == 3


async def test_who_finds_a_key_held_is_not_in_the_way_of_its_holder(app: App, own: Any) -> None:
    holder = await app.jobs.submit("order.ship", {"order": 1}, dedupe="1")
    async with own.transaction():
        assert await app.jobs.submit("order.ship", {"order": 1}, dedupe="1", connection=own) == holder
        assert await asyncio.wait_for(app.jobs.cancel(holder), 5) == Cancelled()
        assert (await asyncio.wait_for(app.jobs.submit("order.ship", {"order": 1}, dedupe="1"), 5)).created


async def test_a_handler_takes_the_connection_among_its_options(app: App, own: Any) -> None:
    @app.job("order.bill")
    async def bill(*, order: int) -> None: ...

    await app.declare("order.bill")
    async with own.transaction():
        job_id = await bill.options(connection=own, at=datetime(2100, 1, 1, tzinfo=UTC)).submit(order=7)

    report = await app.jobs.status(job_id)
    assert (report.status, report.payload, report.due_at.year) == (Status.QUEUED, {"order": 7}, 2100)


async def test_with_a_wake_up_nobody_waits_for_the_poll(app: App, own: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobledger._runtime.node.POLL_SECONDS", 3600.0)
    async with app.worker():
        other = App(app.url)
        async with other:
            async with own.transaction():
                job_id = await other.jobs.submit("order.ship", {"order": 7}, connection=own)
            await other.jobs.wake()

            assert await app.jobs.result(job_id, wait=5) == 7


@pytest.mark.parametrize(
    ("payload", "options", "error"),
    [
        ({"order": "seven"}, {}, InvalidPayload),
        ({"order": 7}, {"priority": "urgent"}, InvalidOption),
        ({"order": 7}, {"entity": "a\nb"}, InvalidOption),
        ({"order": 7}, {"delay": -1}, InvalidOption),
        ([{"order": 7}, {"order": float("nan")}], {}, InvalidPayload),
    ],
)
@pytest.mark.parametrize("driver", ["asyncpg", "psycopg"])
async def test_what_is_wrong_is_found_before_anything_is_sent(
    driver: str, payload: Any, options: Any, error: type[Exception], app: App, own: Any
) -> None:
    async with hand(driver, app) as opened:
        with pytest.raises(error):
            await opened.submit("order.ship", payload, **options)
        await opened.execute(insert(app, 8))  # the transaction goes on
        await opened.end(True)

    assert await counted(app) == (0, 0)


async def test_an_unopened_app_can_submit_and_the_database_knows_the_types(app: App, own: Any) -> None:
    unopened = App(app.url)
    with psycopg.connect(plain_dsn(app.url)) as connection:
        job_id = unopened.jobs.submit_on(connection, "order.ship", {"order": 7})

    assert (await app.jobs.status(job_id)).type == "order.ship"
    with psycopg.connect(plain_dsn(app.url)) as connection, pytest.raises(UnknownType, match=r"order\.shop"):
        unopened.jobs.submit_on(connection, "order.shop", {})


async def test_a_connection_that_can_not_be_joined_is_refused(app: App, own: Any) -> None:
    with psycopg.connect(plain_dsn(app.url), autocommit=True) as plain:
        with pytest.raises(InvalidOption, match="open a transaction first"):
            app.jobs.submit_on(plain, "order.ship", {"order": 7})
        with pytest.raises(InvalidOption, match=r"synchronous one: use app\.jobs\.submit_on"):
            await app.jobs.submit("order.ship", {"order": 7}, connection=plain)
    with pytest.raises(InvalidOption, match="open a transaction first"):
        await app.jobs.submit("order.ship", {"order": 7}, connection=own)
    with pytest.raises(InvalidOption, match=r"asynchronous one: use await app\.jobs\.submit"):
        app.jobs.submit_on(own, "order.ship", {"order": 7})
    with pytest.raises(InvalidOption, match=r"builtins\.str is no connection to submit through"):
        await app.jobs.submit("order.ship", {"order": 7}, connection=app.url)
    assert await counted(app) == (0, 0)


async def test_another_database_is_told_from_this_stores(app: App, own: Any) -> None:
    other = App(plain_dsn(app.url) + "?schema=elsewhere")
    with psycopg.connect(plain_dsn(app.url)) as connection, pytest.raises(SchemaTooOld, match="without this App"):
        other.jobs.submit_on(connection, "order.ship", {"order": 7})


async def test_a_file_has_no_transaction_to_join(url: str) -> None:
    app = App(url)
    async with app:
        await app.declare("order.ship")
        with pytest.raises(InvalidOption, match="on PostgreSQL only"):
            await app.jobs.submit("order.ship", {}, connection=object())
        with pytest.raises(InvalidOption, match="on PostgreSQL only"):
            app.jobs.submit_on(object(), "order.ship", {})
        await app.jobs.wake()
