"""A scrape is nobody's burden: it is made beside the event loop, and no other read waits for it."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from jobledger import metrics
from jobledger._store.contract import Declaration
from tests.both_stores import url
from tests.desk import Desk
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from jobledger import App
    from jobledger._core.reads import LedgerRead


__all__ = ["url"]


@pytest.mark.parametrize("openmetrics", [False, True])
async def test_it_is_read_and_rendered_in_other_threads(
    app: App, monkeypatch: pytest.MonkeyPatch, openmetrics: bool
) -> None:
    threads: dict[str, int] = {}

    def noted(name: str, really: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object) -> object:
            threads[name] = threading.get_ident()
            return really(*args)

        return call

    for name in ("openmetrics_text", "prometheus_text", "Snapshot"):
        monkeypatch.setattr(metrics, name, noted(name, getattr(metrics, name)))
    async with app:
        store = app._opened_door().store
        for name in ("ledger", "exemplars"):
            monkeypatch.setattr(store, name, noted(name, getattr(store, name)))
        await app.metrics.text(openmetrics=openmetrics)
        await app.metrics.snapshot()
    assert len(threads) == (4 if openmetrics else 3)
    assert threading.get_ident() not in threads.values()


@pytest.mark.parametrize("stage", ["ledger", "Snapshot", "openmetrics_text"])
async def test_the_loop_goes_on_meanwhile(app: App, monkeypatch: pytest.MonkeyPatch, stage: str) -> None:
    """No stage of it ends before a task of the loop has gone on; in the loop itself it would wait in vain."""
    began, ticked = threading.Event(), threading.Event()

    async def tick() -> None:
        await until(began.is_set, f"{stage} is under way", 30)
        for _ in range(10):
            await asyncio.sleep(0)
        ticked.set()

    async with app:
        where = app._opened_door().store if stage == "ledger" else metrics
        really = getattr(where, stage)

        def held(*args: object) -> object:
            began.set()
            assert ticked.wait(30), "the event loop stands still"
            return really(*args)

        monkeypatch.setattr(where, stage, held)
        _, text = await asyncio.gather(tick(), app.metrics.text(openmetrics=True))
    assert text.endswith(b"# EOF\n")


async def test_a_status_does_not_wait_for_a_scrape(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does the look for work, which goes the same way."""
    began, go_on = threading.Event(), threading.Event()

    @app.job("work")
    async def work() -> None: ...

    async with app:
        job_id = await work.submit()
        store = app._opened_door().store
        really = store.ledger

        def slow() -> LedgerRead:
            began.set()
            assert go_on.wait(30)
            return really()

        monkeypatch.setattr(store, "ledger", slow)
        scrape = asyncio.create_task(app.metrics.text())
        await until(began.is_set, "the books are being read")
        assert (await app.jobs.status(job_id)).id == job_id
        assert not scrape.done()
        go_on.set()
        assert b"jobs_enqueued_total" in await scrape


def test_nor_for_its_connection(store_path: Path) -> None:
    """The same below the App: the books are read with a connection and a lock of their own."""
    store = Desk(store_path, (Declaration("work", "work"),)).store
    assert store.types()
    store.ledger()
    assert None not in {store._reader.connection, store._books.connection}
    assert store._reader.connection is not store._books.connection
    with store._books._turn:
        assert store.types()
    store.close()
    assert (store._reader.connection, store._books.connection) == (None, None)
