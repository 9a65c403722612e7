"""A child that a worker has forked does not keep its connections alive: its death is seen all the same."""

from __future__ import annotations

import os
import signal

from jobledger import App
from tests.own_postgres.rows import value
from tests.runtime.processes import ended, said, start
from tests.waiting import until


async def test_a_killed_worker_is_seen_although_its_child_lives_on(app: App, url: str) -> None:
    async with app:
        await app.declare("work")
        worker = start("forking", url, package="tests.faults.postgres.programs")
        word, child = said(worker).split()
        assert word == "child"
        try:
            assert await leases(url) == 1
            worker.kill()
            assert ended(worker) == -signal.SIGKILL
            await until(lambda: is_gone(url), "the server has seen its end")
            os.kill(int(child), 0)  # it lives
        finally:
            os.kill(int(child), signal.SIGKILL)


async def is_gone(url: str) -> bool:
    return await leases(url) == 0


async def leases(url: str) -> int:
    """Connections by which workers renew."""
    found = await value(url, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'jobledger lease'")
    assert isinstance(found, int)
    return found
