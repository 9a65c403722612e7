"""What the store says at the end: every job with its history, and the counters."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from jobledger import App
from jobledger._clock import SystemClock
from jobledger._core.books import Audit, balance
from jobledger._metrics.snapshot import Snapshot
from jobledger._store.open import open_store

if TYPE_CHECKING:
    from typing import Any

    from jobledger._core.reads import Record
    from jobledger._store.contract import Store

_PAGE = 1000


@dataclass(frozen=True)
class Books:
    """One reading of a store at rest."""

    records: dict[str, Record]
    snapshot: Snapshot
    audit: Audit

    @property
    def by_entity(self) -> dict[str, list[Record]]:
        """The keyed jobs."""
        found: dict[str, list[Record]] = defaultdict(list)
        for record in self.records.values():
            if record.job.entity is not None:
                found[record.job.entity].append(record)
        return found

    def payload(self, job_id: str) -> dict[str, Any]:
        """What the job was submitted with."""
        payload: dict[str, Any] = msgspec.json.decode(self.records[job_id].payload)
        return payload


def opened(url: str) -> Store:
    """The store, to read from."""
    return open_store(url, SystemClock().now)


def read(url: str) -> Books:
    """Everything, once all processes are gone."""
    store = opened(url)
    try:
        ids = asyncio.run(_ids(url))
        records = {job_id: record for job_id in ids if (record := store.record(job_id)) is not None}
        return Books(records, Snapshot(store.ledger()), balance(store.audit()))
    finally:
        store.close()


async def _ids(url: str) -> list[str]:
    ids: list[str] = []
    async with App(url, read_only=True) as app:
        after: str | None = None
        while True:
            page = await app.jobs.list(limit=_PAGE, newest_first=False, after=after)
            ids += [job.id for job in page.jobs]
            after = page.next
            if after is None:
                return ids
