"""What a store says after a crash, and the work that is left in it."""

from __future__ import annotations

import asyncio
import time
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import apsw

from jobledger import App
from jobledger._core import catalog
from jobledger._core.books import Audit, balance
from jobledger._core.catalog import Kind
from jobledger._metrics.snapshot import Snapshot
from jobledger._store.contract import Filter
from jobledger._store.sqlite.store import SqliteStore
from jobledger.errors import NotAStore, SchemaTooOld
from tests.faults.crashes.handlers import register

if TYPE_CHECKING:
    from pathlib import Path

    from jobledger._core.reads import Record
    from tests.faults.crashes.notes import Notes

_ALL = 1000
_SOON = timedelta(minutes=1)
_PAUSE = 0.01
_LOOKS = 1000
_LEFT = (catalog.QUEUE_DEPTH, catalog.SCHEDULED, catalog.RUNNING)


@dataclass(frozen=True)
class Books:
    """All of it.

    Attributes:
        records: each job by its id, in the order of submission.
        snapshot: the metrics.
        audit: whether they balance.
        damage: what SQLite's own check says of the file.
        writers: writers that are not retired.
    """

    records: dict[str, Record]
    snapshot: Snapshot
    audit: Audit
    damage: tuple[str, ...]
    writers: int

    def own(self, name: str) -> int:
        """A counter of the users' own."""
        value = self.snapshot.user_value(name, Kind.COUNTER, ())
        assert isinstance(value, int | float)
        return round(value)


def read(path: Path) -> Books | None:
    """As it lies there, with nothing mended but the log; None if there was no time to make a store."""
    with closing(SqliteStore(path, _now)) as store:
        try:
            page = store.page(Filter(newest_first=False), None, _ALL)
        except (NotAStore, SchemaTooOld):
            return None
        records = {job.id: record for job in page.jobs if (record := store.record(job.id)) is not None}
        return Books(records, Snapshot(store.ledger()), balance(store.audit()), damage(path), len(store.vitals()))


def damage(path: Path) -> tuple[str, ...]:
    """What SQLite finds wrong with the file."""
    with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)) as connection:
        told = [str(row[0]) for row in connection.execute("PRAGMA integrity_check")]
        told += [f"foreign key: {row}" for row in connection.execute("PRAGMA foreign_key_check")]
    return tuple(line for line in told if line != "ok")


async def drain(path: Path, notes: Notes) -> None:
    """A new process would do this: it takes over what is left, and runs it to the end."""
    app = App(f"sqlite:///{path}?durability=off")
    register(app, notes)
    async with app.worker(slots=4, threads=0):
        for job in (await app.jobs.list(lane="scheduled")).jobs:
            if job.due_at - job.submitted_at > _SOON:
                await app.jobs.cancel(job.id)
        for _ in range(_LOOKS):
            if await _is_idle(app):
                break
            await asyncio.wait([asyncio.get_running_loop().create_future()], timeout=_PAUSE)


async def _is_idle(app: App) -> bool:
    """Whether no work is left, and no writer but this one."""
    now = await app.metrics.snapshot()
    writers = await app._threads.read(app._opened_door().store.vitals)
    return len(writers) <= 1 and not any(now.value(gauge) for gauge in _LEFT)


def _now() -> int:
    return time.time_ns() // 1000
