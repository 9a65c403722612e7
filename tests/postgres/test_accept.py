"""The short way of a client's batch: the same rules as the long one, and it says the same."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from jobledger._core.commands import SubmitAll
from jobledger._core.decide import Change, Refusal
from jobledger._core.job import Lane
from jobledger._store.contract import Batch
from jobledger._store.postgres import store as postgres_store
from jobledger._store.postgres.store import PostgresStore
from jobledger._types import SECOND
from jobledger.conformance.driver import Driver
from jobledger.errors import CommitUnknown, Fenced, StoreError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

FIELDS = ("type_id", "entity", "priority", "timeout", "batch", "trace", "max_attempts", "max_losses")


@pytest.fixture
def ways(store: PostgresStore, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """By which statements batches went."""
    taken: list[str] = []
    session = store._writing

    def noting(ask: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def noted(text: str, *args: object) -> Any:
            names = (name for name in ("batch", "accept", "accept_and_tell", "finish") if text == store._sql[name])
            taken.extend(name.removesuffix("_and_tell") for name in names)
            return await ask(text, *args)

        return noted

    monkeypatch.setattr(session, "fetch", noting(session.fetch))
    monkeypatch.setattr(session, "call", noting(session.call))
    return taken


def test_who_runs_no_jobs_takes_it(driver: Driver, ways: list[str]) -> None:
    driver.client.send(driver.new())
    driver.client.send(driver.new(), SubmitAll((driver.new(entity="e"), driver.new(delay=SECOND))))
    assert ways == ["accept"] * 2
    driver.worker.send(driver.new())  # and is told when the next job is due
    driver.client.send(driver.new(dedupe="key"))
    assert ways == ["accept", "accept", "batch", "finish"]


def test_both_ways_say_and_write_the_same(driver: Driver, store: PostgresStore) -> None:
    for entity in (None, "first", "second"):
        short = driver.client.send(driver.new(entity=entity), driver.new(entity=entity, delay=SECOND))
        long = driver.worker.send(driver.new(entity=entity and f"{entity}'s twin"), driver.new(delay=SECOND))
        for ours, theirs in zip(short.answers, long.answers, strict=True):
            assert type(ours) is type(theirs)
        keys = [answer.job.key for answer in (*short.answers, *long.answers)]  # type: ignore[union-attr]
        assert keys == sorted(keys)
        assert all(keys)
    lanes = [job.lane for job in driver.start(100)]
    assert lanes == [Lane.PROCESSING] * 6


def test_jobs_of_an_entity_find_their_place(driver: Driver) -> None:
    """The first holds the mailbox, whoever comes later is parked."""
    driver.client.send(*(driver.new(entity="e") for _ in range(3)))
    driver.client.send(driver.new(entity="e"))
    assert len(driver.start(100)) == 1


def test_what_differs_and_what_is_the_same_for_all_is_kept(driver: Driver, store: PostgresStore) -> None:
    """Each option: none has it, all have it, or one of two."""
    options: dict[str, Any] = {
        "entity": "e", "delay": SECOND, "priority": 0, "timeout": 5, "batch": "b", "trace": "t", "max_attempts": 2,
        "max_losses": 7,
    }  # fmt: skip
    for name, value in options.items():
        for wanted in ({}, {}), ({name: value}, {name: value}), ({name: value}, {}), ({}, {name: value}):
            jobs = [driver.new(**one) for one in wanted]
            answers = driver.client.send(*jobs).answers
            for job, answer in zip(jobs, answers, strict=True):
                record = store.record(job.id)
                assert record is not None
                assert isinstance(answer, Change)
                kept = {field: getattr(record.job, field) for field in (*FIELDS, "due_at", "key")}
                assert kept == {field: getattr(answer.job, field) for field in kept}


def test_a_fenced_client_writes_nothing(driver: Driver, store: PostgresStore) -> None:
    driver.client.send(driver.new())
    store.retire(driver.client.writer_id)
    with pytest.raises(Fenced):
        driver.client.send(driver.new(), driver.new(entity="e"))
    assert len(driver.start(100)) == 1


def test_a_batch_is_applied_once(driver: Driver, store: PostgresStore) -> None:
    batch = driver.client.batch(driver.new())
    store.commit(batch)
    with pytest.raises(Fenced):
        store.commit(batch)
    assert store.recall(batch) is not None
    assert len(driver.start(100)) == 1


def test_a_job_that_is_here_already_is_not_added_again(driver: Driver, ways: list[str]) -> None:
    """Then the batch takes a look at what there is."""
    job = driver.new()
    driver.client.send(job)
    answers = driver.client.send(job, driver.new()).answers
    assert ways == ["accept", "accept", "finish"]
    assert [type(answer).__name__ for answer in answers] == ["Refusal", "Change"]
    driver.settle(driver.start_one())
    driver.settle(driver.start_one())
    driver.client.send(job)  # it has ended, and is still here
    assert driver.start(100) == []


def test_an_empty_batch_goes_the_long_way(driver: Driver, ways: list[str]) -> None:
    driver.client.store.commit(Batch(driver.client.writer_id, 1, ()))
    assert ways == ["batch"]


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has been told of anything for long."""
    monkeypatch.setattr(postgres_store, "APART_SECONDS", -1.0)


@pytest.mark.usefixtures("quiet")
def test_others_are_told_with_the_batch(driver: Driver, store: PostgresStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_ring", lambda *_: pytest.fail("it was told already"))
    words: list[str] = []

    async def listening() -> None:
        connection = await asyncpg.connect(store.target.dsn)
        await connection.add_listener(store.target.channel, lambda *said: words.append(str(said[-1])))
        await asyncio.to_thread(driver.client.send, driver.new(), driver.new(entity="e"))
        await connection.fetchval("SELECT 1")
        await connection.close()

    asyncio.run(listening())
    assert words == [str(driver.mail)]
    assert len(driver.start(100)) == 2


def test_who_has_just_told_them_tells_them_later(
    driver: Driver, store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    rings: list[object] = []
    monkeypatch.setattr(postgres_store, "APART_SECONDS", 1e9)
    monkeypatch.setattr(store, "_ring", rings.append)
    driver.client.send(driver.new())
    assert rings == [{driver.mail}]


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("committed", [True, False], ids=["after the commit", "before it"])
def test_an_error_says_whether_the_batch_was_committed(
    driver: Driver, store: PostgresStore, *, committed: bool
) -> None:
    """Telling others may fail, too: a queue is full, a lock is not had in time."""
    batch = driver.client.batch(driver.new())
    with broken(store, "COMMIT;" if committed else "BEGIN"), pytest.raises(StoreError) as refused:
        store.commit(batch)
    assert isinstance(refused.value, CommitUnknown) is committed
    if not committed:
        store.commit(batch)
    recalled = store.recall(batch)
    assert recalled is not None
    assert isinstance(recalled.answers[0], Change | Refusal)
    assert len(driver.start(100)) == 1


@contextmanager
def broken(store: PostgresStore, after: str) -> Iterator[None]:
    """Its procedure fails after a certain word."""
    name = f"{store.target.schema}.accept_and_tell"

    async def replaced(with_error: str) -> None:
        connection = await asyncpg.connect(store.target.dsn)
        text = await connection.fetchval("SELECT pg_get_functiondef($1::regproc)", name)
        text = text.replace(_ERROR, "")
        assert after in text
        await connection.execute(text.replace(after, after + with_error, 1))
        await connection.close()

    asyncio.run(replaced(_ERROR))
    yield
    asyncio.run(replaced(""))


_ERROR = " RAISE EXCEPTION 'no more notifications';"
