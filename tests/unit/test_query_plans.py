"""Hot statements go through their index: on a fresh file without statistics, and on a filled one with them."""

from __future__ import annotations

import re
from random import Random
from typing import TYPE_CHECKING, Any, Final

import apsw
import pytest

from jobledger._store.sqlite.connection import PACKAGE
from jobledger._store.statements import migrations, statements

if TYPE_CHECKING:
    from collections.abc import Iterator

SQL: Final = statements(PACKAGE, "queries.sql")
PRIMARY: Final = "INTEGER PRIMARY KEY"
BY_ID: Final = "sqlite_autoindex_job_1"
SEARCHED: Final = {
    "occupied": "job_holder", "head": "job_box", "due": "job_due", "next_due": "job_due", "claim": "job_claim",
    "claim_suspect": "job_suspect", "stops": "job_stop", "key_holder": BY_ID, "prunable": "job_ended",
    "job_by_key": PRIMARY, "job_by_id": BY_ID, "record": BY_ID, "save_job": PRIMARY, "save_started": PRIMARY,
    "save_ended": PRIMARY, "save_progress": PRIMARY, "forget_job": PRIMARY, "drop_expired_keys": BY_ID,
}  # fmt: skip
"""Statements that find their rows through an index."""
SCANNED: Final = {
    "held_by": "job_running", "claimed_by": "job_running", "used": "job_running", "entities_active": "job_holder",
    "mailbox_deepest": "job_box", "any_suspect": "job_suspect",
}  # fmt: skip
"""Statements that walk through all of a partial index: it holds no more than what they ask for."""
PROBED: Final = ("job_waiting", "job_parked", "job_running", "job_running")
LANES: Final = (*["complete"] * 6, "ready", "ready", "parked", "scheduled", "processing", "failed", "cancelled")


def fill(connection: apsw.Connection, jobs: int) -> None:
    """Jobs in all lanes; what is alive stays few, what has ended grows."""
    rng = Random(jobs)
    connection.execute("INSERT INTO type VALUES (1, 'a', 'a', 2, 10, 3, NULL), (2, 'b', 'b', 2, 10, 3, NULL)")
    rows: list[tuple[Any, ...]] = []
    held: set[str] = set()
    for key in range(1, jobs + 1):
        lane = rng.choice(LANES) if key <= 1_000 else "complete"
        entity = f"e{rng.randrange(200)}" if rng.random() < 0.5 or lane == "parked" else None
        holds = entity is not None and lane in {"ready", "processing"} and entity not in held
        held |= {entity} if holds and entity is not None else set()
        ended = key if lane in {"complete", "cancelled", "failed"} else None
        rows.append((
            key, f"id{key}", key, rng.choice((1, 2)), entity, rng.randrange(4), lane, holds, 1, key, key, 1, 1, 0,
            int(rng.random() < 0.05), 10, 3, None, None, 0, "b" if key < 50 else None, None,
            1 if lane == "processing" else None, key, key, 1 if key % 9 == 0 else None, ended,
            None, None, None, None, 1, b"{}",
        ))  # fmt: skip
    connection.executemany(SQL["insert_job"], rows)
    connection.execute("INSERT INTO dedupe SELECT type_id, id, id, 0 FROM job LIMIT 100")


def opened(jobs: int = 0) -> apsw.Connection:
    connection = apsw.Connection(":memory:")
    for _, text in migrations(PACKAGE):
        connection.execute(text)
    if jobs:
        fill(connection, jobs)
    return connection


@pytest.fixture(scope="module", params=["fresh", "filled", "filled, with statistics"])
def connection(request: pytest.FixtureRequest) -> Iterator[apsw.Connection]:
    connection = opened(0 if request.param == "fresh" else 20_000)
    if request.param == "filled, with statistics":
        connection.execute("ANALYZE")
    yield connection
    connection.close()


def holes(name: str) -> dict[str, None] | tuple[None, ...]:
    named = re.findall(r":(\w+)", SQL[name])
    return dict.fromkeys(named) if named else (None,) * SQL[name].count("?")


def plan(connection: apsw.Connection, name: str) -> list[str]:
    """How SQLite would go through the table of jobs for a statement."""
    steps = connection.execute(f"EXPLAIN QUERY PLAN {SQL[name]}", holes(name))
    return [step[3] for step in steps if re.match(r"(SCAN|SEARCH) job\b", step[3])]


@pytest.mark.parametrize(("name", "index"), SEARCHED.items())
def test_a_statement_finds_its_rows_through_its_index(connection: apsw.Connection, name: str, index: str) -> None:
    (step,) = plan(connection, name)
    assert step.startswith("SEARCH job USING ")
    assert f" {index}" in step


@pytest.mark.parametrize(("name", "index"), SCANNED.items())
def test_a_statement_walks_through_nothing_but_what_it_asks_for(
    connection: apsw.Connection, name: str, index: str
) -> None:
    (step,) = plan(connection, name)
    assert f"INDEX {index}" in step


def test_probes_take_the_first_of_an_index_for_each_type(connection: apsw.Connection) -> None:
    steps = plan(connection, "probes")
    assert [step.startswith("SEARCH job USING COVERING INDEX") for step in steps] == [True] * len(PROBED)
    for step, index in zip(steps, PROBED, strict=True):
        assert f"{index} (type_id=?)" in step


@pytest.mark.parametrize("name", ["claim", "claim_suspect", "head", "due", "prunable"])
def test_no_order_is_made_by_sorting(connection: apsw.Connection, name: str) -> None:
    steps = [step[3] for step in connection.execute(f"EXPLAIN QUERY PLAN {SQL[name]}", holes(name))]
    assert not any("TEMP B-TREE" in step for step in steps)


def test_no_other_statement_walks_through_the_jobs(connection: apsw.Connection) -> None:
    named = {*SEARCHED, *SCANNED, "probes"}
    for name, text in SQL.items():
        if re.search(r"\b(FROM|UPDATE|INTO) job(_row)?\b", text) and not text.startswith("-- Accept"):
            assert name in named, f"{name} has no line in this test"


# What a statement costs, counted in steps of SQLite's machine


PARAMETERS: Final[dict[str, Any]] = {
    "claim": (1, 2, 0, 10), "claim_suspect": (1, 2), "any_suspect": (), "head": ("e1",), "occupied": ("e1",),
    "due": (500, 10), "next_due": (), "stops": (1,), "held_by": (1,), "key_holder": (1, "id1"),
    "probes": (500,), "used": (),
}  # fmt: skip


def cost(connection: apsw.Connection, name: str) -> int:
    steps: list[int] = []
    connection.trace_v2(
        apsw.SQLITE_TRACE_PROFILE, lambda event: steps.append(event["stmt_status"]["SQLITE_STMTSTATUS_VM_STEP"])
    )
    connection.execute(SQL[name], PARAMETERS[name]).fetchall()
    connection.trace_v2(0, None)
    return sum(steps)


@pytest.fixture(scope="module")
def sizes() -> Iterator[tuple[apsw.Connection, apsw.Connection]]:
    small, large = opened(1_000), opened(40_000)
    yield small, large
    small.close()
    large.close()


@pytest.mark.parametrize("name", PARAMETERS)
def test_ended_jobs_cost_nothing(sizes: tuple[apsw.Connection, apsw.Connection], name: str) -> None:
    small, large = (cost(connection, name) for connection in sizes)
    assert 0 < large <= 1.5 * small + 20
