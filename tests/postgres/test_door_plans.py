"""A batch touches as many pages beside half a million jobs as beside a thousand, whatever the statistics say."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Final

import pytest

from jobledger._core import commands as c
from jobledger._core.outcome import Cancel, Done, Failed
from jobledger._core.priority import Stride
from jobledger._core.retry import RetryPolicy
from jobledger._store.contract import Batch, Claim, Declaration, Enlistment, Group
from jobledger._store.postgres.session import Session
from jobledger._store.postgres.store import PostgresStore
from jobledger._store.postgres.target import Target
from jobledger._types import SECOND
from tests.postgres.filled import add_jobs, connected, migrated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobledger._core.job import Job
    from jobledger._store.contract import Committed
    from jobledger.testing.postgres import Server

pytestmark = pytest.mark.unaudited("its store is filled by SQL, not by transitions")
FEW: Final = 1_000
MANY: Final = 600_000
PARKED: Final = 100_000
OLD, FRESH = "statistics of long ago", "statistics"
MARGIN: Final = 1.6
"""Deeper indexes, and the pages that other rows share."""
SPARE: Final = 200
_ENTRIES: Final = "SELECT pg_stat_get_xact_tuples_returned('jobledger.job_box'::regclass)"
BOX: Final = """
    INSERT INTO jobledger.job
    SELECT 10000000 + n, 'parked' || n, 10000000 + n, 1, 'hot', 2, CASE n WHEN 0 THEN 'processing' ELSE 'parked' END,
        n = 0, 0, 0, NULL, 0, 0, 0, 0, 10, 3, NULL, NULL, 0, NULL, NULL, CASE n WHEN 0 THEN 1 END, 0, NULL, NULL, NULL,
        NULL, NULL, NULL, NULL, 1, '\x7b7d'::bytea
    FROM generate_series(0, $1::integer) AS n
"""


def prepare(jobs: int, parked: int, *, fresh: bool) -> Any:
    async def filled(url: str) -> None:
        async with connected(url) as connection:
            await migrated(connection)
            await add_jobs(connection, 1, FEW)
            for table in ("job", "ended", "history", "mailbox", "dedupe"):
                await connection.execute(f"ALTER TABLE jobledger.{table} SET (autovacuum_enabled = off)")
            await connection.execute("ANALYZE")
            if jobs > FEW:
                await add_jobs(connection, FEW + 1, jobs)
            await connection.execute(BOX, parked)
            await connection.execute("INSERT INTO jobledger.mailbox (entity) VALUES ('hot')")
            await connection.execute("SELECT setval('jobledger.number', 20000000)")
            if fresh:
                await connection.execute("ANALYZE")

    return filled


class Worker:
    """A store's worker of ``types`` types of its own, that counts the pages and mailbox entries its batches touch."""

    def __init__(self, url: str, types: int) -> None:
        self.pages: dict[str, int] = {}
        self.entries: dict[str, int] = {}
        self._store = PostgresStore(Target.of(url))
        names = tuple(f"mine{number}" for number in range(types))
        known = self._store.declare(tuple(Declaration(name, name) for name in names), 1000)
        self.types = tuple(one.type_id for one in known if one.name in names)
        self._writer = self._store.enlist(Enlistment("worker", "here", 1, 100, self.types))
        self._number = 0
        self._ids = 0

    def close(self) -> None:
        self._store.close()

    def submits(self, count: int, **options: Any) -> tuple[c.Submit, ...]:
        self._ids += count
        return tuple(
            c.Submit(f"mine-{self._ids - n}", self.types[n % len(self.types)], b"{}", 2, **options)
            for n in range(count)
        )

    def send(self, what: str, *commands: c.Command, slots: int = 0) -> Committed:
        self._number += 1
        claim = Claim((Group(self.types, slots, Stride()),)) if slots else None
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Session, "fetch", self._counting(what, Session.fetch))
            patch.setattr(Session, "call", self._counting(what, Session.call))
            return self._store.commit(Batch(self._writer, self._number, commands, claim))

    def settle(self, job: Job, outcome: Any, **fields: Any) -> c.Settle:
        return c.Settle(job.id, job.key, job.run, self._writer, outcome, SECOND, **fields)

    def _counting(self, what: str, fetch: Any) -> Any:
        async def counted(session: Session, text: str, *args: Any) -> Any:
            if session is not self._store._writing:  # a wake-up of the batch before
                return await fetch(session, text, *args)
            connection = await session.connection()
            alone = not connection.is_in_transaction()
            await connection.execute("BEGIN" if alone else "SAVEPOINT looking")
            before = await connection.fetchval(_ENTRIES)
            try:
                found = await connection.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {text}", *args)
                self.entries[what] = await connection.fetchval(_ENTRIES) - before
            finally:
                await connection.execute("ROLLBACK" if alone else "ROLLBACK TO looking")
            plan = json.loads(found)[0]["Plan"]
            self.pages[what] = self.pages.get(what, 0) + plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
            return await fetch(session, text, *args)

        return counted


def played(url: str) -> dict[str, int]:
    """The pages of every kind of batch."""
    one, fifty = Worker(url, 1), Worker(url, 50)
    try:
        for _ in range(16):  # all that is due
            one.send("warm", *one.submits(20), *one.submits(20, entity="warm"), slots=5)
        one.send("warm", c.Cancel("nobody"), *one.submits(1, dedupe="warm"))
        fifty.send("warm", *fifty.submits(100), slots=100)  # a connection makes its plans once: that reads catalogs
        one.pages.clear()
        fifty.pages.clear()
        _play(one)
        fifty.send("submit of 50 types", *fifty.submits(50))
        fifty.send("claim of 50 types", slots=100)
        return {**one.pages, **fifty.pages}
    finally:
        one.close()
        fifty.close()


def _play(worker: Worker) -> None:
    worker.send("claim what is left", slots=500)
    worker.send("submit", *worker.submits(100))
    started = [claimed.job for claimed in worker.send("claim", slots=100).claimed]
    assert len(started) == 100
    policy = RetryPolicy(on_retry="step-aside")
    outcomes = (Done(), Failed("x"), Cancel("x"), Done())
    worker.send("settle", *(worker.settle(job, outcomes[n % 4], retry=policy) for n, job in enumerate(started)))
    worker.send(
        "submit keyed", *(worker.submits(1, entity=f"own{n}")[0] for n in range(50)), *worker.submits(50, entity="o")
    )
    keyed = [claimed.job for claimed in worker.send("claim keyed", slots=100).claimed]
    assert len(keyed) == 51
    worker.send("settle keyed", *(worker.settle(job, Done()) for job in keyed))
    (due,) = worker.submits(1, due_at=time.time_ns() // 1000 + SECOND)
    worker.send("submit delayed", due)
    worker.send("claim nothing", slots=100)
    worker.send("cancel", c.Cancel(due.id), c.Cancel("parked77"), c.Cancel("nobody"))
    held, again = worker.submits(2, dedupe="k")
    worker.send("submit with a key", held, again)


@pytest.fixture(scope="module")
def baseline(postgres: Server) -> dict[str, int]:
    with postgres.database(prepare(FEW, 10, fresh=True)) as url:
        return played(url)


@pytest.fixture(scope="module", params=[OLD, FRESH])
def crowded(request: pytest.FixtureRequest, postgres: Server) -> Iterator[str]:
    with postgres.database(prepare(MANY, PARKED, fresh=request.param == FRESH)) as url:
        yield url


@pytest.mark.timeout(180)
def test_no_batch_walks_through_what_it_is_not_about(crowded: str, baseline: dict[str, int]) -> None:
    pages = played(crowded)
    assert set(pages) == set(baseline)
    far = {what: (baseline[what], count) for what, count in pages.items() if count > MARGIN * baseline[what] + SPARE}
    assert far == {}


def test_the_counts_are_of_real_work(baseline: dict[str, int]) -> None:
    assert all(count > 10 for count in baseline.values())


async def bare(url: str) -> None:
    async with connected(url) as connection:
        await migrated(connection)
        await connection.execute("ALTER TABLE jobledger.job SET (autovacuum_enabled = off)")


def test_a_plan_that_was_made_while_the_store_was_empty_does_not_walk_through_mailboxes(postgres: Server) -> None:
    """It may join all that is parked with the heads: that touches few pages, and takes its time."""
    with postgres.database(bare) as url:
        worker = Worker(url, 1)
        for _ in range(5):
            worker.send("fill", *(worker.submits(1, entity=f"box{n % 100}")[0] for n in range(1000)))
        heads = [claimed.job for claimed in worker.send("claim", slots=100).claimed]
        assert len(heads) == 100
        worker.send("settle", *(worker.settle(job, Done()) for job in heads))
        worker.close()
        assert worker.entries["settle"] < 1000
