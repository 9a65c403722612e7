"""After a crash the suspects run one at a time, and each makes room for the next."""

import os
import time
from collections.abc import Callable
from pathlib import Path

from jobledger import App
from jobledger._core.priority import Stride
from jobledger._store.contract import Batch, Claim, Enlistment, Group
from jobledger._store.sqlite.store import SqliteStore
from tests.waiting import until

SUSPECTS = 12


def lose_all(path: Path, types: tuple[int, ...]) -> None:
    """A worker claims every job and dies."""
    store = SqliteStore(path, lambda: time.time_ns() // 1000, "off")
    writer = store.enlist(Enlistment("worker", "elsewhere", os.getpid(), 100, types))
    store.commit(Batch(writer, 1, (), Claim((Group(types, 100, Stride()),))))
    store.take_over((writer,))
    store.close()


async def test_all_suspects_are_worked_off_without_anything_else_going_on(
    new_app: Callable[[], App], store_path: Path
) -> None:
    """A worker died with a dozen jobs in its hands: the next one finishes them all, one at a time."""
    app, client = new_app(), new_app()
    at_once: list[int] = []
    running = 0

    @app.job("work")
    async def work() -> None:
        nonlocal running
        running += 1
        at_once.append(running)
        running -= 1

    async with client:
        await client.declare("work")
        await client.jobs.submit("work", [{}] * SUSPECTS)
        lose_all(store_path, (1,))
        async with app.worker():
            await until(lambda: len(at_once) == SUSPECTS, f"all {SUSPECTS} suspects have run")
    assert max(at_once) == 1
