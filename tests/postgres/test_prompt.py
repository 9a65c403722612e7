"""Batches that are committed on the worker's own loop: which ones, and what becomes of the others."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeAlias

import asyncpg
import pytest
from msgspec import structs

from jobledger import App
from jobledger._core import commands as c
from jobledger._core.commands import SubmitAll
from jobledger._core.outcome import Done
from jobledger._store.contract import Enlistment
from jobledger._store.postgres.connected import WatchedConnection
from jobledger._store.postgres.store import MOST_JOBS, PostgresStore
from jobledger._store.postgres.target import Target
from jobledger._types import SECOND
from jobledger.conformance.driver import Driver
from jobledger.conformance.writer import Writer
from jobledger.errors import Fenced, StoreBusy
from tests.postgres_place import Schemas
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jobledger._core.commands import Command
    from jobledger._core.job import Job
    from jobledger._store.contract import Committed

Prompt: TypeAlias = "Callable[..., Committed | None]"

OURS = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'jobledger writer, prompt'"


def settled(job: Job) -> c.Settle:
    assert job.writer_id is not None
    return c.Settle(job.id, job.key, job.run, job.writer_id, Done(), SECOND)


@pytest.fixture
def prompt(store: PostgresStore) -> Iterator[Prompt]:
    """Sends a writer's next batch on a loop; None: that is left to the thread."""
    with asyncio.Runner() as runner:

        def send(writer: Writer, *commands: Command) -> Committed | None:
            committed = runner.run(store.commit_here(writer.batch(*commands)))
            writer.number += committed is not None
            return committed

        yield send
        runner.run(store.leave_here())


def test_new_jobs_take_it_but_not_very_many(driver: Driver, prompt: Prompt) -> None:
    assert prompt(driver.client, SubmitAll(tuple(driver.new() for _ in range(MOST_JOBS + 1)))) is None
    assert prompt(driver.client, SubmitAll(tuple(driver.new() for _ in range(MOST_JOBS)))) is not None


def test_settlements_take_it(driver: Driver, prompt: Prompt) -> None:
    driver.submit_many(3)
    assert prompt(driver.worker, *(settled(job) for job in driver.start(3))) is not None


def test_but_not_with_very_many_children(driver: Driver, prompt: Prompt) -> None:
    driver.submit()
    (job,) = driver.start()
    children = tuple(driver.new() for _ in range(MOST_JOBS))
    settle = structs.replace(settled(job), children=children)
    assert prompt(driver.worker, settle) is None
    driver.worker.send(settle)


def test_another_loop_gets_a_connection_of_its_own(driver: Driver, store: PostgresStore, prompt: Prompt) -> None:
    assert prompt(driver.client, driver.new()) is not None

    async def elsewhere() -> None:
        assert await store.commit_here(driver.client.batch(driver.new())) is not None
        await store.leave_here()

    asyncio.run(elsewhere())
    driver.client.number += 1


def test_a_statement_that_was_prepared_without_an_answer_is_prepared_again(
    driver: Driver, prompt: Prompt, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server may have it; its name must not be in the way for good."""
    prepare, kept = WatchedConnection.prepare, list[object]()

    async def unanswered(self: WatchedConnection, *args: Any, **options: Any) -> Any:
        kept.append(await prepare(self, *args, **options))
        raise asyncpg.QueryCanceledError("in the middle")

    with monkeypatch.context() as patch:
        patch.setattr(WatchedConnection, "prepare", unanswered)
        with pytest.raises(StoreBusy):
            prompt(driver.client, driver.new())
    assert prompt(driver.client, driver.new()) is not None


def test_what_needs_a_look_at_rows_does_not(driver: Driver, prompt: Prompt) -> None:
    assert prompt(driver.client, driver.new(dedupe="key")) is None


def test_what_others_undo_is_left_to_the_thread(
    driver: Driver, store: PostgresStore, prompt: Prompt, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, new = store.deadlocks, driver.new()

    async def undone(*_: object) -> Any:
        raise asyncpg.DeadlockDetectedError("in each other's way")

    with monkeypatch.context() as patch:
        patch.setattr(store._committer, "_quickly", undone)
        assert prompt(driver.client, new) is None
    assert store.deadlocks == before + 1
    driver.client.send(new)


def test_a_job_that_others_have_changed_is_left_to_the_thread(driver: Driver, prompt: Prompt) -> None:
    job_id = driver.submit()
    (job,) = driver.start()
    Writer(driver.open(), Enlistment("client", "host", 4712)).send(c.Cancel(job_id))
    assert prompt(driver.worker, settled(job)) is None
    driver.worker.send(settled(job))


def test_a_fenced_writer_is_refused(driver: Driver, store: PostgresStore, prompt: Prompt) -> None:
    store.take_over((driver.worker.writer_id,))
    with pytest.raises(Fenced):
        prompt(driver.worker, driver.new())


async def test_its_connection_ends_with_the_app(postgres_schemas: Schemas) -> None:
    url = await asyncio.to_thread(postgres_schemas.lend)  # it may have to be made, on a loop of its own
    watch = await asyncpg.connect(Target.of(url).dsn)
    async with App(url) as app:
        await app.declare("work")
        await app.jobs.submit("work")
        assert await watch.fetchval(OURS) == 1

    async def gone() -> object:
        return not await watch.fetchval(OURS)

    await until(gone, "it has left")
    await watch.close()
    postgres_schemas.take_back(url)
