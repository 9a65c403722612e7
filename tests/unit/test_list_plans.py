"""Each way to a page of jobs goes through its index, and looks at no more than a slice."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import pytest

from jobledger._core.job import LANES, Lane
from jobledger._core.outcome import Reason
from jobledger._store.contract import Filter, Window
from jobledger._store.sqlite import lists
from tests.unit.test_query_plans import opened

if TYPE_CHECKING:
    from collections.abc import Iterator

    import apsw

PRIMARY: Final = "INTEGER PRIMARY KEY"
INDEX: Final = {"by_key": PRIMARY, "by_entity": "job_entity", "by_batch": "job_batch", "by_death": "job_dead"}
ARMS: Final = {"job_waiting", "job_box", "job_due", "job_running", "job_dead", "job_ended"}
HOLES: Final = (
    *("low", "high", "limit", "rows", "lanes", "types", "entity", "batch", "reason", "submitted_since"),
    *("submitted_until", "ended_since", "ended_until", "ready", "parked", "scheduled", "processing", "failed", "ended"),
    "most",
)


@pytest.fixture(scope="module", params=["fresh", "filled", "filled, with statistics"])
def connection(request: pytest.FixtureRequest) -> Iterator[apsw.Connection]:
    connection = opened(0 if request.param == "fresh" else 20_000)
    if request.param == "filled, with statistics":
        connection.execute("ANALYZE")
    yield connection
    connection.close()


def plan(connection: apsw.Connection, text: str) -> list[str]:
    return [step[3] for step in connection.execute(f"EXPLAIN QUERY PLAN {text}", dict.fromkeys(HOLES))]


def of_jobs(steps: list[str]) -> list[str]:
    return [step for step in steps if re.match(r"(SCAN|SEARCH) job\b", step)]


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("statement", ["page", "edge"])
@pytest.mark.parametrize(("way", "index"), INDEX.items())
def test_a_way_goes_through_its_index_in_its_order(
    connection: apsw.Connection, statement: str, way: str, index: str, newest_first: bool
) -> None:
    steps = plan(connection, lists.text(statement, way, newest_first=newest_first))
    (step,) = of_jobs(steps)
    assert step.startswith("SEARCH job USING ")
    assert f" {index}" in step
    assert not any("TEMP B-TREE" in step for step in steps)


@pytest.mark.parametrize("newest_first", [True, False])
def test_the_way_by_lanes_goes_through_the_index_of_each(connection: apsw.Connection, newest_first: bool) -> None:
    row, *arms = of_jobs(plan(connection, lists.text("page", "by_lane", newest_first=newest_first)))
    assert row == f"SEARCH job USING {PRIMARY} (rowid=?)"
    assert {re.findall("INDEX (job_[a-z]+)", step)[0] for step in arms} == ARMS


def test_lanes_are_counted_in_their_indexes(connection: apsw.Connection) -> None:
    steps = of_jobs(plan(connection, lists.SQL["count_lanes"]))
    assert {re.findall("INDEX (job_[a-z]+)", step)[0] for step in steps} == ARMS


def test_every_way_is_tested_here() -> None:
    assert {*INDEX, "by_lane"} == set(lists.WAYS) == {name for name in lists.SQL if name.startswith("by_")}


# What a page looks at


@pytest.fixture
def many() -> Iterator[apsw.Connection]:
    """2,000 jobs; of the last 1,000 each is complete. A job's key is also its time."""
    connection = opened(2_000)
    connection.execute("UPDATE job SET submitted_at = key, ended_at = CASE WHEN ended_at THEN key + 100 END")
    yield connection
    connection.close()


def keys(connection: apsw.Connection, condition: str, *, newest_first: bool = True) -> list[int]:
    order = "DESC" if newest_first else "ASC"
    query = f"SELECT key FROM job WHERE {condition} ORDER BY key {order}"  # noqa: S608 - conditions of this file
    return [row[0] for row in connection.execute(query)]


def walked(connection: apsw.Connection, where: Filter, limit: int) -> tuple[list[int], int]:
    """All pages one after the other: the keys, and how many pages there were."""
    found: list[int] = []
    page = lists.page(connection, where, None, limit)
    pages = 1
    found += [job.key for job in page.jobs]
    while page.next is not None:
        page = lists.page(connection, where, page.next, limit)
        pages += 1
        found += [job.key for job in page.jobs]
    return found, pages


QUEUED: Final = (Lane.READY, Lane.PARKED, Lane.SCHEDULED)
FILTERS: Final[list[tuple[Filter, str]]] = [
    (Filter(), "TRUE"),
    (Filter(types=(2,)), "type_id = 2"),
    (Filter(types=(1, 2)), "TRUE"),
    (Filter(lanes=(Lane.FAILED,)), "lane = 'failed'"),
    (Filter(lanes=QUEUED), "lane IN ('ready', 'parked', 'scheduled')"),
    (Filter(lanes=(Lane.PROCESSING,), types=(1,)), "lane = 'processing' AND type_id = 1"),
    (Filter(lanes=(Lane.COMPLETE, Lane.FAILED)), "lane IN ('complete', 'failed')"),
    (Filter(entity="e1"), "entity = 'e1'"),
    (Filter(entity="e1", lanes=(Lane.COMPLETE,)), "entity = 'e1' AND lane = 'complete'"),
    (Filter(batch="b"), "batch = 'b'"),
    (Filter(reason=Reason.TIMEOUT), "reason = 'Timeout'"),
    (Filter(submitted=Window(500, 900)), "key >= 500 AND key < 900"),
    (Filter(submitted=Window(1_990)), "key >= 1990"),
    (Filter(submitted=Window(None, 5)), "key < 5"),
    (Filter(submitted=Window(5_000)), "FALSE"),
    (Filter(ended=Window(1_000, 1_200)), "ended_at >= 1000 AND ended_at < 1200"),
    (Filter(ended=Window(2_000)), "ended_at >= 2000"),
    (Filter(ended=Window(None, 300), lanes=(Lane.FAILED,)), "ended_at < 300 AND lane = 'failed'"),
    (Filter(ended=Window(None, 300), entity="e1"), "ended_at < 300 AND entity = 'e1'"),
]


@pytest.mark.parametrize("limit", [3, 5_000])
@pytest.mark.parametrize("few", [0, 10_000], ids=["as many", "as few"])
@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize(("where", "condition"), FILTERS, ids=[condition for _, condition in FILTERS])
def test_whichever_way_it_takes_the_pages_are_the_list(
    many: apsw.Connection, monkeypatch: pytest.MonkeyPatch, where: Filter, condition: str, newest_first: bool, few: int,
    limit: int,
) -> None:  # fmt: skip
    monkeypatch.setattr(lists, "GLANCE", 7)
    monkeypatch.setattr(lists, "SLICE", 130)
    monkeypatch.setattr(lists, "FEW", few)
    many.execute("UPDATE job SET reason = 'Timeout' WHERE key % 400 = 0")
    asked = Filter(**{name: getattr(where, name) for name in where.__struct_fields__} | {"newest_first": newest_first})
    assert walked(many, asked, limit)[0] == keys(many, condition, newest_first=newest_first)


def test_a_page_looks_at_one_slice(many: apsw.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """A filter that lets nothing through walks over all jobs, in pages without jobs."""
    monkeypatch.setattr(lists, "GLANCE", 20)
    monkeypatch.setattr(lists, "SLICE", 80)
    assert walked(many, Filter(reason=Reason.VALIDATION), 10) == ([], 20)
    assert lists.page(many, Filter(reason=Reason.VALIDATION), None, 10).next == 1_901


def test_few_jobs_in_their_lanes_are_found_at_once(many: apsw.Connection) -> None:
    """However many others there are: the alive are all among the first thousand."""
    alive = tuple(LANES[name] for name in ("ready", "parked", "scheduled", "processing"))
    page = lists.page(many, Filter(lanes=alive), None, 2_000)
    assert [job.key for job in page.jobs] == keys(many, "ended_at IS NULL")
    assert page.next is None


def test_few_jobs_that_ended_in_a_time_are_found_at_once(
    many: apsw.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many ended before and after."""
    monkeypatch.setattr(lists, "GLANCE", 2)
    monkeypatch.setattr(lists, "SLICE", 2)
    page = lists.page(many, Filter(ended=Window(1_000, 1_010)), None, 2_000)
    assert [job.key for job in page.jobs] == keys(many, "ended_at >= 1000 AND ended_at < 1010")
    assert page.next is None


def test_many_jobs_in_their_lanes_are_not_collected(many: apsw.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """To put a long queue into order for each page of it would cost more than to look at the jobs one by one."""
    monkeypatch.setattr(lists, "FEW", 20)
    monkeypatch.setattr(lists, "GLANCE", 20)
    monkeypatch.setattr(lists, "SLICE", 80)
    page = lists.page(many, Filter(lanes=QUEUED), None, 2_000)
    assert (page.jobs, page.next) == ((), 1_901)


STEPS: Final = {
    "queued": (Filter(lanes=QUEUED), 10_000), "dead": (Filter(lanes=(Lane.FAILED,)), 0),
    "batch": (Filter(batch="b"), 0), "submitted": (Filter(submitted=Window(300, 310)), 0),
}  # fmt: skip


@pytest.mark.parametrize(("where", "few"), STEPS.values(), ids=STEPS)
def test_ended_jobs_cost_nothing(monkeypatch: pytest.MonkeyPatch, where: Filter, few: int) -> None:
    """Counted in steps of SQLite's machine, with a thousand jobs and with forty thousand."""
    monkeypatch.setattr(lists, "FEW", few)
    small, large = (steps(jobs, where) for jobs in (1_000, 40_000))
    assert 0 < large <= 3 * small


def steps(jobs: int, where: Filter) -> int:
    import apsw

    connection = opened(jobs)
    connection.execute("UPDATE job SET submitted_at = key")
    counted: list[Any] = []
    connection.trace_v2(
        apsw.SQLITE_TRACE_PROFILE, lambda event: counted.append(event["stmt_status"]["SQLITE_STMTSTATUS_VM_STEP"])
    )
    lists.page(connection, where, None, 50)
    connection.close()
    return sum(counted)
