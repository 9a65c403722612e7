"""The latest jobs are found by their indexes, and long columns are not read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import apsw
import pytest

from jobledger._core.job import Job
from jobledger._store.sqlite import latest
from tests.unit.test_query_plans import opened

if TYPE_CHECKING:
    from collections.abc import Iterator

INDEX: Final = {"ended": "job_ended", "dead": "job_dead"}


@pytest.fixture(scope="module", params=["fresh", "filled", "filled, with statistics"])
def connection(request: pytest.FixtureRequest) -> Iterator[apsw.Connection]:
    connection = opened(0 if request.param == "fresh" else 20_000)
    if request.param == "filled, with statistics":
        connection.execute("ANALYZE")
    yield connection
    connection.close()


def plan(connection: apsw.Connection, name: str) -> list[str]:
    return [step[3] for step in connection.execute(f"EXPLAIN QUERY PLAN {latest.SQL[name]}", (10,))]


@pytest.mark.parametrize(("name", "index"), INDEX.items())
def test_an_index_has_them_in_their_order(connection: apsw.Connection, name: str, index: str) -> None:
    job, *others = plan(connection, name)
    assert job.startswith(("SEARCH job USING INDEX", "SCAN job USING INDEX"))
    assert f" {index}" in job
    assert not any("TEMP B-TREE" in step for step in others)
    assert any(step.startswith("SEARCH history USING PRIMARY KEY (job_key=?)") for step in others)


def test_of_the_running_only_the_index_is_sorted(connection: apsw.Connection) -> None:
    job, *inner = plan(connection, "running")
    assert job == "SEARCH job USING INTEGER PRIMARY KEY (rowid=?)"
    assert any("job USING COVERING INDEX job_running" in step for step in inner)


def test_every_statement_is_tested_here() -> None:
    assert {*latest.SQL} == {*INDEX, "running"}


def test_no_column_behind_the_long_ones_is_read() -> None:
    """A result may have 256 KiB, and a column behind it is found by walking through it."""
    fields = Job.__struct_fields__
    long = fields[fields.index("reason") :]
    for text in latest.SQL.values():
        assert not set(re.findall(r"\b\w+\b", text.split("FROM job ")[0])) & set(long) - {"version"}
        assert not re.search(r"(?<!history\.)version", text)


@pytest.mark.parametrize("name", latest.SQL)
def test_ended_jobs_cost_nothing(name: str) -> None:
    """Counted in steps of SQLite's machine, with a thousand jobs and with forty thousand."""
    small, large = (steps(jobs, name) for jobs in (1_000, 40_000))
    assert 0 < large <= 1.5 * small + 20


def steps(jobs: int, name: str) -> int:
    connection = opened(jobs)
    counted: list[Any] = []
    connection.trace_v2(
        apsw.SQLITE_TRACE_PROFILE, lambda event: counted.append(event["stmt_status"]["SQLITE_STMTSTATUS_VM_STEP"])
    )
    connection.execute(latest.SQL[name], (50,)).fetchall()
    connection.close()
    return sum(counted)
