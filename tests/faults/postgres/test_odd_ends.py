"""Rare ends: a client that freezes inside a transaction, and a server that has gone back in time."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from jobledger import App
from jobledger._store.contract import Enlistment
from jobledger._store.postgres.reader import WRITE_SETTINGS
from jobledger._store.postgres.session import Session
from jobledger._store.postgres.store import PostgresStore
from jobledger._store.postgres.target import Target
from jobledger.errors import Fenced, StoreUnreachable
from tests.own_postgres.rows import do
from tests.waiting import until, until_blocking

IDLE_SECONDS = 0.7
BACKWARDS = "UPDATE jobledger.writer SET batch_no = batch_no - 1"
"""As a copy would say that lagged by one batch."""
SETTINGS = WRITE_SETTINGS | {"idle_in_transaction_session_timeout": f"{round(IDLE_SECONDS * 1000)}ms"}


def test_a_client_that_froze_inside_a_transaction(
    url: str, monkeypatch: pytest.MonkeyPatch, figure: Callable[[str], None]
) -> None:
    """Its writer's row is locked: the takeover waits until the server ends that transaction, and then goes on."""
    monkeypatch.setattr("jobledger._store.postgres.store.WRITE_SETTINGS", SETTINGS)
    frozen, other = PostgresStore(Target.of(url)), PostgresStore(Target.of(url))
    writer_id = frozen.enlist(Enlistment("worker", "here", 1))
    inside, goes_on = threading.Event(), threading.Event()

    async def freeze(session: Session) -> None:
        async with session.transaction():
            await session.value(frozen._sql["fence"], writer_id, 1)
            inside.set()
            goes_on.wait(20)  # the loop stands still: nothing is sent, and nothing is heard

    with ThreadPoolExecutor(1) as thread:
        freezing = thread.submit(frozen._writing.run, freeze)
        until_blocking(inside.is_set, "it is inside a transaction")
        began = time.monotonic()
        (taken,) = other.take_over((writer_id,))
        took = time.monotonic() - began
        figure(f"taken over after {took:.1f} s, with {IDLE_SECONDS:g} s for an idle transaction")
        assert taken.writer_id == writer_id
        assert IDLE_SECONDS / 2 < took < IDLE_SECONDS + 5
        goes_on.set()
        with pytest.raises((Fenced, StoreUnreachable)):
            freezing.result()
    for store in (frozen, other):
        store.close()


async def test_a_server_that_has_lost_commits(app: App, url: str, caplog: pytest.LogCaptureFixture) -> None:
    """As after a failover to a copy that lagged: who was ahead of it stops, and comes back as a new writer."""
    stopped, gate = list[str](), asyncio.Event()

    @app.job("work")
    async def work() -> str:
        try:
            await gate.wait()
        except asyncio.CancelledError:
            stopped.append("stopped")
            raise
        return "done"

    async with app.worker(lease=1.0):
        before = app._opened_door().writer_id
        job_id = await app.jobs.submit("work")
        await until(lambda: running(app), "it runs")
        await do(url, BACKWARDS)
        other = await app.jobs.submit("work")
        await until(lambda: stopped, "the old attempt is stopped")
        gate.set()
        assert await app.jobs.result(other, wait=20) == "done"
        assert app._opened_door().writer_id != before
        assert "was fenced" in caplog.text
        assert await app.jobs.result(job_id, wait=20) == "done"


async def running(app: App) -> bool:
    return bool(await app.metrics.jobs.running.read())
