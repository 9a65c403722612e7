"""What an overview shows is found by indexes, costs the same whatever has ended, and is bounded whatever waits."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import apsw
import pytest

from jobledger._core.job import Job
from jobledger._store.sqlite import overview
from tests.unit.test_query_plans import SQL, opened

if TYPE_CHECKING:
    from collections.abc import Iterator

INDEXES: Final = {
    "running": ("job_running",), "running_job": ("INTEGER PRIMARY KEY",), "mailboxes": ("job_box",),
    "holder": ("job_holder",), "dead": ("job_dead",), "retrying": ("INTEGER PRIMARY KEY", "job_due"),
}  # fmt: skip
"""Through which indexes a statement finds its jobs, from the outer to the inner one."""
MOST: Final = 500
LONG: Final = frozenset(Job.__struct_fields__[Job.__struct_fields__.index("error") + 1 :])


def asked(name: str) -> dict[str, Any] | tuple[int, ...]:
    values = {"most": MOST, "limit": 10, "tail": 100, "entity": "e1"}
    return values if ":" in overview.SQL[name] else (1,) * overview.SQL[name].count("?")


@pytest.fixture(scope="module", params=["fresh", "filled", "filled, with statistics"])
def connection(request: pytest.FixtureRequest) -> Iterator[apsw.Connection]:
    connection = opened(0 if request.param == "fresh" else 20_000)
    if request.param == "filled, with statistics":
        connection.execute("ANALYZE")
    yield connection
    connection.close()


@pytest.mark.parametrize(("name", "indexes"), INDEXES.items())
def test_jobs_are_found_by_indexes(connection: apsw.Connection, name: str, indexes: tuple[str, ...]) -> None:
    steps = [step[3] for step in connection.execute(f"EXPLAIN QUERY PLAN {overview.SQL[name]}", asked(name))]
    jobs = [step for step in steps if re.match(r"(SCAN|SEARCH) job\b", step)]
    assert len(jobs) == len(indexes)
    for step, index in zip(jobs, indexes, strict=True):
        assert f" {index}" in step


def test_every_statement_is_tested_here() -> None:
    assert {*overview.SQL} == {*INDEXES, "live_workers", "gone_workers"}


def test_no_column_behind_the_errors_is_read() -> None:
    for text in overview.SQL.values():
        assert not set(re.findall(r"\b\w+\b", text.partition("\n")[2])) & LONG


@pytest.fixture(scope="module")
def sizes() -> Iterator[tuple[apsw.Connection, apsw.Connection]]:
    small, large = opened(1_000), opened(40_000)
    yield small, large
    small.close()
    large.close()


@pytest.mark.parametrize("name", INDEXES)
def test_ended_jobs_cost_nothing(sizes: tuple[apsw.Connection, apsw.Connection], name: str) -> None:
    """Counted in steps of SQLite's machine."""
    small, large = (steps(connection, name) for connection in sizes)
    assert 0 < large <= 1.5 * small + 20


def test_parked_jobs_are_counted_up_to_a_bound() -> None:
    few, many = parked(MOST), parked(4 * MOST)
    assert steps(many, "mailboxes") <= 1.1 * steps(few, "mailboxes")
    few.close()
    many.close()


def parked(jobs: int) -> apsw.Connection:
    """Beside the others, so many that wait in fifty mailboxes."""
    connection = opened()
    connection.execute("INSERT INTO type VALUES (1, 'a', 'a', 2, 10, 3, NULL)")
    rows = [
        (key, f"id{key}", key, 1, f"box{key % 50}", 2, "parked", 0, 1, 1, None, 1, 0, 0, 0, 10, 3, None, None, 0, None,
         None, None, 0, None, None, None, None, None, None, None, 1, b"{}")
        for key in range(1, jobs + 1)
    ]  # fmt: skip
    connection.executemany(SQL["insert_job"], rows)
    return connection


def steps(connection: apsw.Connection, name: str) -> int:
    counted: list[int] = []
    connection.trace_v2(
        apsw.SQLITE_TRACE_PROFILE, lambda event: counted.append(event["stmt_status"]["SQLITE_STMTSTATUS_VM_STEP"])
    )
    connection.execute(overview.SQL[name], asked(name)).fetchall()
    connection.trace_v2(0, None)
    return sum(counted)
