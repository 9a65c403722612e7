"""`ctx.transaction()`: what a handler writes and the completion of its job are committed together, or not at all."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import asyncpg
import pytest

from jobledger import App, Cancel, Context, Fail, Retry, Status
from jobledger._store.postgres.store import PostgresStore
from jobledger._store.postgres.target import Target
from jobledger.errors import NoTransaction
from tests.postgres.payments import Ledger, pay, paying
from tests.waiting import until


@pytest.fixture
async def ledger(postgres_schema: str) -> AsyncIterator[Ledger]:
    made = await Ledger.made(postgres_schema)
    yield made
    await made.dropped()


@pytest.fixture
def app(postgres_schema: str) -> App:
    return App(postgres_schema)


async def ended(app: App, job_id: str) -> tuple[Status, list[str]]:
    """How a job ended, and its transitions."""

    async def has_ended() -> bool:
        return (await app.jobs.status(job_id)).ended

    await until(has_ended, "the job has ended")
    report = await app.jobs.status(job_id)
    return report.status, [str(entry.event) for entry in report.history]


async def test_all_of_it_is_committed_with_the_completion(ledger: Ledger, postgres_schema: str) -> None:
    app = paying(postgres_schema)
    async with app.worker():
        ids = [await app.jobs.submit("pay", {"amount": amount}, entity="payer") for amount in range(20)]

        assert [await app.jobs.result(job_id, wait=10) for job_id in ids] == list(range(20))
        assert [await ledger.both(job_id) for job_id in ids] == [(1, True)] * 20
        report = await app.jobs.status(ids[7])
        assert [str(entry.event) for entry in report.history] == ["submitted", "started", "completed"]
        assert report.progress is not None
        assert await app.metrics.jobs.enqueued.read(type="thank") == 20
        assert f"paid_total {sum(range(20))}" in (await app.metrics.text()).decode()
        text = (await app.metrics.text()).decode()
        assert 'jobs_stale_settlements_total{type="pay"} 0' in text
        (line,) = [
            line for line in text.splitlines() if line.startswith('jobs_last_completed_timestamp_seconds{type="pay"}')
        ]
        assert abs(float(line.split()[-1]) - (await app.jobs.status(ids[-1])).history[-1].at.timestamp()) < 60


async def test_nothing_is_seen_before_the_handler_has_returned(ledger: Ledger, app: App, postgres_schema: str) -> None:
    written, returning = asyncio.Event(), asyncio.Event()

    @app.job("pay")
    async def pay_(ctx: Context) -> None:
        async with ctx.transaction() as connection:
            await pay(ctx, connection, postgres_schema)
        written.set()
        await returning.wait()

    async with app.worker():
        job_id = await pay_.submit()
        await written.wait()
        assert await ledger.both(job_id) == (0, False)
        returning.set()
        await app.jobs.result(job_id, wait=10)
    assert await ledger.both(job_id) == (1, True)


@pytest.mark.parametrize(
    ("how", "status"),
    [
        ("raise inside", Status.FAILED),
        ("raise behind", Status.FAILED),
        ("timeout", Status.FAILED),
        ("cancel", Status.CANCELLED),
        (Retry(after=0), Status.FAILED),
        (Fail("no"), Status.FAILED),
        (Cancel("no"), Status.CANCELLED),
    ],
)
async def test_whatever_else_comes_of_it_undoes_it(
    how: Any, status: Status, ledger: Ledger, app: App, postgres_schema: str
) -> None:
    inside = asyncio.Event()

    @app.job("pay", max_attempts=2, retry_base=0.01, timeout=0.2 if how == "timeout" else None)
    async def pay_(ctx: Context) -> Any:
        async with ctx.transaction() as connection:
            await pay(ctx, connection, postgres_schema)
            inside.set()
            if how == "raise inside":
                raise ValueError
            if how in {"timeout", "cancel"}:
                await asyncio.Event().wait()
        if how == "raise behind":
            raise ValueError
        return how

    async with app.worker():
        job_id = await pay_.submit()
        await inside.wait()
        if how == "cancel":
            await app.jobs.cancel(job_id)
        assert (await ended(app, job_id))[0] is status
        assert await ledger.paid(job_id) == 0


async def test_a_stop_undoes_it_and_another_worker_does_it(ledger: Ledger, app: App, postgres_schema: str) -> None:
    runs = 0

    @app.job("pay")
    async def pay_(ctx: Context) -> None:
        nonlocal runs
        runs += 1
        async with ctx.transaction() as connection:
            await pay(ctx, connection, postgres_schema)
            if runs == 1:
                inside.set()
                await asyncio.Event().wait()

    inside = asyncio.Event()
    async with app:
        async with app.worker(grace=0):
            job_id = await pay_.submit()
            await inside.wait()
        assert await ledger.both(job_id) == (0, False)
        async with app.worker():
            await app.jobs.result(job_id, wait=10)
    assert (await ledger.both(job_id), runs) == ((1, True), 2)


async def test_who_was_taken_over_commits_nothing(ledger: Ledger, app: App, postgres_schema: str) -> None:
    runs = 0
    inside, going_on = asyncio.Event(), asyncio.Event()

    @app.job("pay")
    async def pay_(ctx: Context) -> None:
        nonlocal runs
        runs += 1
        async with ctx.transaction() as connection:
            await pay(ctx, connection, postgres_schema)
        inside.set()
        while not going_on.is_set():
            try:
                await going_on.wait()
            except asyncio.CancelledError:
                continue  # a zombie: it does not hear that it has lost its job

    store = PostgresStore(Target.of(postgres_schema))
    async with app.worker():
        job_id = await pay_.submit()
        await inside.wait()
        workers = [vital.writer_id for vital in await asyncio.to_thread(store.vitals) if vital.kind == "worker"]
        await asyncio.to_thread(store.take_over, tuple(workers))
        going_on.set()

        status, transitions = await ended(app, job_id)
    await asyncio.to_thread(store.close)
    assert (status, transitions) == (Status.COMPLETE, ["submitted", "started", "lost", "started", "completed"])
    assert (await ledger.both(job_id), runs) == ((1, True), 2)


async def test_a_cancel_that_comes_too_late_does_not_undo_it(ledger: Ledger, app: App, postgres_schema: str) -> None:
    inside, going_on = asyncio.Event(), asyncio.Event()

    @app.job("pay")
    async def pay_(ctx: Context) -> None:
        async with ctx.transaction() as connection:
            await pay(ctx, connection, postgres_schema)
        inside.set()
        with suppress(asyncio.CancelledError):  # its work is done
            await going_on.wait()

    async with app.worker():
        job_id = await pay_.submit()
        await inside.wait()
        await app.jobs.cancel(job_id)
        assert (await ended(app, job_id))[0] is Status.COMPLETE
    assert await ledger.both(job_id) == (1, True)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("COMMIT", "leave COMMIT and ROLLBACK to jobledger"),
        ("ROLLBACK", "leave COMMIT and ROLLBACK to jobledger"),
        ("COMMIT; BEGIN", "leave COMMIT and ROLLBACK to jobledger"),
        ("INSERT INTO {schema}.booking VALUES (7)", "could not be committed.*foreign key"),
        ("SELECT pg_terminate_backend(pg_backend_pid())", "its transaction was lost"),
        ("SELECT 1 / 0", r"what may fail goes inside `async with connection\.transaction\(\)`"),
        ("SET TRANSACTION READ ONLY", "read-only transaction"),
    ],
)
async def test_what_can_not_be_committed_is_a_failed_attempt(
    statement: str, said: str, ledger: Ledger, app: App
) -> None:
    @app.job("pay", max_attempts=1)
    async def pay_(ctx: Context) -> None:
        async with ctx.transaction() as connection:
            with suppress(asyncpg.PostgresError, OSError):  # it goes on as if nothing had happened
                await connection.execute(statement.replace("{schema}", ledger.schema))

    async with app.worker():
        job_id = await pay_.submit()
        assert (await ended(app, job_id))[0] is Status.FAILED
        error = (await app.jobs.status(job_id)).error
    assert error is not None
    assert re.search(said, error, re.DOTALL), error


async def test_an_error_in_a_savepoint_costs_only_the_savepoint(ledger: Ledger, app: App, postgres_schema: str) -> None:
    @app.job("pay")
    async def pay_(ctx: Context) -> None:
        async with ctx.transaction() as connection:
            await pay(ctx, connection, postgres_schema)
            with pytest.raises(asyncpg.DivisionByZeroError):
                async with connection.transaction():
                    await pay(ctx, connection, postgres_schema)
                    await connection.execute("SELECT 1 / 0")

    async with app.worker():
        job_id = await pay_.submit()
        await app.jobs.result(job_id, wait=10)
    assert await ledger.both(job_id) == (1, True)


async def test_an_attempt_has_one_transaction_but_may_begin_again_after_an_error(
    ledger: Ledger, app: App, postgres_schema: str
) -> None:
    @app.job("pay")
    async def pay_(ctx: Context) -> None:
        with pytest.raises(ZeroDivisionError):
            async with ctx.transaction() as connection:
                await pay(ctx, connection, postgres_schema)
                raise ZeroDivisionError
        async with ctx.transaction() as connection:
            await pay(ctx, connection, postgres_schema)
        with pytest.raises(NoTransaction, match="an attempt has one transaction"):
            async with ctx.transaction():
                pass

    async with app.worker():
        job_id = await pay_.submit()
        await app.jobs.result(job_id, wait=10)
    assert await ledger.both(job_id) == (1, True)


async def test_more_handlers_than_connections_take_turns_and_find_them_clean(
    ledger: Ledger, app: App, postgres_schema: str
) -> None:
    backends: set[int] = set()

    @app.job("pay")
    async def pay_(ctx: Context) -> None:
        async with ctx.transaction() as connection:
            assert await connection.fetchval("SHOW work_mem") != "77MB"
            await connection.execute("SET work_mem = '77MB'")
            backends.add(connection.get_server_pid())
            await pay(ctx, connection, postgres_schema)

    async with app.worker():
        ids = await app.jobs.submit("pay", [{} for _ in range(60)])
        for job_id in ids:
            await app.jobs.result(job_id, wait=20)
    assert [await ledger.both(job_id) for job_id in ids] == [(1, True)] * 60
    assert 1 < len(backends) <= 10
    left = "SELECT count(*) FROM pg_stat_activity WHERE pid = ANY ($1)"
    await until(
        lambda: _none(ledger.connection.fetchval(left, list(backends))), "the connections are closed with the worker"
    )


async def _none(count: Any) -> bool:
    return bool(await count == 0)


async def test_a_handler_can_submit_in_its_transaction(ledger: Ledger, app: App, postgres_schema: str) -> None:
    @app.job("pay", max_attempts=1)
    async def pay_(ctx: Context, *, fails: bool) -> str:
        async with ctx.transaction() as connection:
            job_id = await app.jobs.submit("pay", {"fails": False}, delay=3600, connection=connection)
            if fails:
                raise ValueError
        return job_id

    async with app.worker():
        job_id = await app.jobs.result(await pay_.submit(fails=False), wait=10)
        await ended(app, await pay_.submit(fails=True))
        assert (await app.jobs.status(job_id)).status is Status.QUEUED
        assert await app.metrics.jobs.enqueued.read(type="pay") == 3


async def test_a_thread_has_none(ledger: Ledger, app: App) -> None:
    @app.job("pay", max_attempts=1)
    def pay_(ctx: Context) -> None:
        asyncio.run(_enter(ctx))

    async with app.worker():
        job_id = await pay_.submit()
        await ended(app, job_id)
        assert "needs an `async def` handler" in str((await app.jobs.status(job_id)).error)


async def test_a_file_has_none(url: str) -> None:
    app = App(url)

    @app.job("pay", max_attempts=1)
    async def pay_(ctx: Context) -> None:
        await _enter(ctx)

    async with app.worker():
        job_id = await pay_.submit()
        await ended(app, job_id)
        assert "ctx.transaction() needs PostgreSQL" in str((await app.jobs.status(job_id)).error)


async def _enter(ctx: Context) -> None:
    async with ctx.transaction():
        pass
