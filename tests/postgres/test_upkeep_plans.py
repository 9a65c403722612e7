"""What forgets ended jobs finds them by index, also in tables that the server has no statistics of yet."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

import pytest

from jobledger._store.postgres.session import Session
from jobledger._store.postgres.store import PostgresStore
from jobledger._store.postgres.target import Target
from tests.postgres.filled import add_jobs, connected, migrated

if TYPE_CHECKING:
    from jobledger.testing.postgres import Server

pytestmark = pytest.mark.unaudited("its store is filled by SQL, not by transitions")
JOBS: Final = 30_000
FORGOTTEN: Final = 500
HISTORIES: Final = """
    INSERT INTO jobledger.history
    SELECT e.key, v, 'completed', e.ended_at, 1, 1, NULL, NULL, 7 FROM jobledger.ended e, generate_series(4, 6) AS v
"""
LARGE: Final = {"ended", "history", "job"}


def prepare(*, fresh: bool) -> Callable[[str], Any]:
    async def filled(url: str) -> None:
        async with connected(url) as connection:
            await migrated(connection)
            for table in ("job", "ended", "history", "dedupe"):
                await connection.execute(f"ALTER TABLE jobledger.{table} SET (autovacuum_enabled = off)")
            await add_jobs(connection, 1, JOBS)
            await connection.execute(HISTORIES)
            if fresh:
                await connection.execute("ANALYZE")

    return filled


@pytest.fixture(params=[False, True], ids=["no statistics", "statistics"])
def store(request: pytest.FixtureRequest, postgres: Server) -> Iterator[PostgresStore]:
    with postgres.database(prepare(fresh=request.param)) as url, closing(PostgresStore(Target.of(url))) as store:
        yield store


def test_nothing_walks_through_a_table(store: PostgresStore, monkeypatch: pytest.MonkeyPatch) -> None:
    walked, compiled = list[str](), list[str]()
    fetch = Session.fetch

    async def explained(session: Session, text: str, *args: Any) -> Any:
        connection = await session.connection()
        if connection.is_in_transaction():
            found = json.loads(await connection.fetchval(f"EXPLAIN (FORMAT JSON) {text}", *args))
            walked.extend(scans(found[0]["Plan"]))
            compiled.append(await connection.fetchval("SHOW jit"))
        return await fetch(session, text, *args)

    monkeypatch.setattr(Session, "fetch", explained)
    assert store.prune(0, FORGOTTEN) == FORGOTTEN
    assert LARGE.intersection(walked) == set()
    assert set(compiled[2:]) == {"off"}, "a walk that can't be helped costs enough on paper to be compiled for"


def scans(plan: dict[str, Any]) -> Iterator[str]:
    """Tables that a plan reads from end to end."""
    if plan["Node Type"] == "Seq Scan":
        yield plan["Relation Name"]
    for inner in plan.get("Plans", ()):
        yield from scans(inner)


def test_a_walk_would_be_seen(store: PostgresStore) -> None:
    async def look(session: Session) -> list[str]:
        connection = await session.connection()
        found = json.loads(await connection.fetchval("EXPLAIN (FORMAT JSON) SELECT * FROM jobledger.history"))
        return [*scans(found[0]["Plan"])]

    assert store._write(look) == ["history"]
