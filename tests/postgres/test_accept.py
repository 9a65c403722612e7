"""The short way of a client's batch: the same rules as the long one, and it says the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from jobledger._core.commands import SubmitAll
from jobledger._core.decide import Change
from jobledger._core.job import Lane
from jobledger._store.contract import Batch
from jobledger._store.postgres.store import PostgresStore
from jobledger._types import SECOND
from jobledger.conformance.driver import Driver
from jobledger.errors import Fenced
from tests.postgres_place import PostgresPlace, Schemas

if TYPE_CHECKING:
    from collections.abc import Iterator

FIELDS = ("type_id", "entity", "priority", "timeout", "batch", "trace", "max_attempts", "max_losses")


@pytest.fixture
def driver(postgres_schemas: Schemas) -> Iterator[Driver]:
    place = PostgresPlace(postgres_schemas)
    driver = Driver(place)
    yield driver
    driver.audit()
    driver.close()
    place.forget()


@pytest.fixture
def store(driver: Driver) -> PostgresStore:
    store = driver.store
    assert isinstance(store, PostgresStore)
    return store


@pytest.fixture
def ways(store: PostgresStore, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """By which statements batches went."""
    taken: list[str] = []
    fetch = store._writing.fetch

    async def fetched(text: str, *args: object) -> Any:
        taken.extend(name for name in ("batch", "accept", "finish") if text == store._sql[name])
        return await fetch(text, *args)

    monkeypatch.setattr(store._writing, "fetch", fetched)
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
