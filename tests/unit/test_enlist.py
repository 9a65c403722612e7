"""A writer's number may be given away again, if it was never committed."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from jobledger._core.commands import Cancel
from jobledger._store.contract import Batch, Enlistment
from jobledger._store.sqlite.pages import Pages
from jobledger.conformance.driver import Driver
from jobledger.errors import StoreFull
from tests.sqlite_file import SqliteFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def driver(tmp_path: Path) -> Iterator[Driver]:
    file = SqliteFile(tmp_path / "jobs.db")
    with closing(Driver(file)) as driver:
        yield driver
    file.forget()


def test_a_worker_with_the_number_of_a_client_that_never_was(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    """It hears of requests to cancel and of what becomes due, as any other."""

    def full(*_: object) -> None:
        raise StoreFull("no space")

    with monkeypatch.context() as patched, pytest.raises(StoreFull):
        patched.setattr(Pages, "close", full)
        driver.store.enlist(Enlistment("client", "host", 1, 0, ()))
    worker = driver.enlist()
    assert worker.writer_id == driver.client.writer_id + 1
    driver.submit()
    job = driver.start_one(worker)
    elsewhere = driver.open()
    client = elsewhere.enlist(Enlistment("client", "elsewhere", 1, 0, ()))
    elsewhere.commit(Batch(client, 1, (Cancel(job.id),), None))
    elsewhere.retire(client)
    driver.submit(delay=5)
    told = driver.store.commit(worker.batch())
    assert told.cancels == (job.key,)
    assert told.next_due is not None
