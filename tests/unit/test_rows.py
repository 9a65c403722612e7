"""Rows and jobs: the columns are the fields, in their order; what is saved is what was decided."""

from __future__ import annotations

from contextlib import closing, contextmanager
from itertools import product
from typing import TYPE_CHECKING, Any

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from jobledger._core import commands as c
from jobledger._core.decide import Change, decide
from jobledger._core.job import Event, EventName, Job, Lane, Progress
from jobledger._core.outcome import Cancel, Done, Fail, Failed, Outcome, Reason, Retry
from jobledger._store import rows
from jobledger._store.sqlite.batch import apply
from jobledger._store.sqlite.clock import StoreClock
from jobledger._store.sqlite.connection import PACKAGE
from jobledger._store.sqlite.pages import Pages
from jobledger._store.statements import migrations
from jobledger.errors import StoreError
from tests.some_jobs import MINE, NOW, RUN, Fields, job_in

if TYPE_CHECKING:
    from collections.abc import Iterator

TEXT = st.text(max_size=20)
TIME = st.integers(0, 2**62)


@contextmanager
def opened() -> Iterator[Pages]:
    """Pages of an empty database in memory."""
    with closing(apsw.Connection(":memory:")) as connection:
        for _, text in migrations(PACKAGE):
            connection.execute(text)
        connection.execute("INSERT INTO book (one, number, now, boundaries) VALUES (1, 1000, 0, '[]')")
        yield Pages(connection, StoreClock(lambda: NOW), (1_000, 1_000_000))


def columns(table: str) -> list[str]:
    with closing(apsw.Connection(":memory:")) as connection:
        for _, text in migrations(PACKAGE):
            connection.execute(text)
        return [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]


def test_the_columns_are_the_fields_of_a_job_and_then_the_payload() -> None:
    assert columns("job") == [*Job.__struct_fields__, "payload"]
    assert len(Job.__struct_fields__) == rows.WIDTH


def test_the_view_is_the_row_without_its_payload() -> None:
    assert columns("job_row") == list(Job.__struct_fields__)


def test_the_columns_of_the_history_are_the_fields_of_an_event() -> None:
    assert columns("history") == ["job_key", "version", *Event.__struct_fields__]


def test_every_field_is_inserted_in_its_place() -> None:
    numbers: dict[str, Any] = {field: number for number, field in enumerate(Job.__struct_fields__)}
    numbers["progress"] = None
    assert list(rows.inserted(Job(**numbers), b"payload")) == [*numbers.values(), b"payload"]


JOBS = st.builds(
    Job,
    **{
        **dict.fromkeys(Job.__struct_fields__, TIME),
        **{
            field: st.none() | TIME
            for field in ("eligible_at", "timeout", "writer_id", "started_at", "cancel_at", "ended_at")
        },
        **{field: st.none() | TEXT for field in ("entity", "dedupe", "batch", "trace", "error")},
        "id": TEXT,
        "lane": st.sampled_from(Lane),
        "holds": st.booleans(),
        "reason": st.none() | st.sampled_from(Reason),
        "result": st.none() | st.binary(max_size=20),
        "progress": st.none() | st.builds(Progress, st.floats(0, 100), TEXT, TIME),
    },
)


@given(JOBS, st.binary(max_size=20))
def test_any_job_comes_back_as_it_was_written(job: Job, payload: bytes) -> None:
    with opened() as pages:
        assert pages.insert(Change(job, None, ()), payload)
        assert pages.by_key(job.key) == pages.by_id(job.id) == job
        assert pages.one("record", (job.id,))[rows.WIDTH] == payload


EVENTS = st.builds(
    Event,
    name=st.sampled_from(EventName),
    at=TIME,
    run=TIME,
    writer_id=st.none() | TIME,
    reason=st.none() | st.sampled_from(Reason),
    error=st.none() | TEXT,
    micros=st.none() | TIME,
)


@given(EVENTS)
def test_any_event_comes_back_as_it_was_written(event: Event) -> None:
    with opened() as pages:
        pages._keep(Change(job_in(Lane.READY), event, ()))
        pages.close(0)
        assert [rows.event_of(row) for row in pages.all("history", (41,))] == [event]


def kept(name: EventName, run: int, writer: int | None = MINE) -> list[Any]:
    """A row of the history."""
    return [name, NOW, run, writer, None, None, None]


def named(job: Job, *found: list[Any]) -> list[tuple[str, int, int | None]]:
    return [(event.name.value, event.run, event.writer_id) for event in rows.history(job, found)]


FIRST = ("submitted", 0, None)


def test_a_history_begins_with_what_the_row_says_once() -> None:
    job = job_in(Lane.PROCESSING, run=1)
    expected = [FIRST, ("started", 1, MINE)]
    assert named(job) == named(job, kept(EventName.STARTED, 1)) == expected
    assert named(job, kept(EventName.SUBMITTED, 0, None), kept(EventName.STARTED, 1)) == expected, "as it once was"
    assert named(job_in(Lane.READY, run=0, started_at=None)) == [FIRST]


def test_a_start_stands_before_all_else_of_its_run() -> None:
    asked, done = kept(EventName.CANCEL_REQUESTED, 2), kept(EventName.COMPLETED, 2)
    early = [kept(EventName.STARTED, 1), kept(EventName.RETRIED, 1)]  # the first has no version, but a place of its own
    story = [FIRST, ("started", 1, MINE), ("retried", 1, MINE), ("started", 2, MINE), ("cancel_requested", 2, MINE)]
    assert named(job_in(Lane.PROCESSING, run=2), *early, asked) == story
    ended = job_in(Lane.COMPLETE, run=2, started_at=NOW, writer_id=None)
    assert named(ended, *early, asked, done) == [*story, ("completed", 2, MINE)]
    assert named(job_in(Lane.READY, run=1, started_at=NOW, writer_id=None), *early) == story[:3]


def test_a_replayed_job_has_all_its_starts() -> None:
    story = [kept(EventName.STARTED, 2), kept(EventName.STARTED, 1), kept(EventName.DEAD_LETTERED, 1)]
    story += [kept(EventName.REPLAYED, 1, None), kept(EventName.RETRIED, 2)]
    assert named(job_in(Lane.PROCESSING, run=3), *story) == [
        FIRST, ("started", 1, MINE), ("dead_lettered", 1, MINE), ("replayed", 1, None), ("started", 2, MINE),
        ("retried", 2, MINE), ("started", 3, MINE),
    ]  # fmt: skip


OUTCOMES: list[Outcome] = [Done(), Failed("x"), Retry(after=2), Fail("x", Reason.VALIDATION), Cancel("c")]
COMMANDS: list[c.JobCommand] = [
    c.Due(),
    c.Activate(),
    c.Park(),
    c.Start(MINE),
    c.Release("a", 41, RUN, MINE),
    c.Report("a", 41, RUN, MINE, 12.5, "é"),
    c.Lose(MINE),
    c.Cancel("a"),
    c.Replay("a"),
    c.Discard("a"),
    *(c.Settle("a", 41, RUN, MINE, outcome, 5, result=b"[1]") for outcome in OUTCOMES),
    c.Settle("a", 41, RUN, MINE, Done(), 5, late=True),
]
VARIANTS: list[Fields] = [
    {}, {"cancel_at": NOW - 1}, {"failures": 9}, {"losses": 2}, {"progress": Progress(3.0, "m", 5), "error": "old"},
]  # fmt: skip


@pytest.mark.parametrize("lane", Lane)
def test_every_saved_row_is_the_job_that_was_decided(lane: Lane) -> None:
    """Start and Report write only what they change; all else stays as it was, since they change no more."""
    saved = 0
    for command, keyed, variant in product(COMMANDS, (False, True), VARIANTS):
        before = job_in(lane, keyed=keyed, **variant)
        verdict = decide(before, command, NOW, number=100)
        if not isinstance(verdict, Change):
            continue
        with opened() as pages:
            pages.insert(Change(before, None, ()), b"{}")
            assert apply(pages, pages.by_key(before.key), command, number=100) == verdict
            assert pages.by_key(before.key) == verdict.job
            saved += 1
    assert saved or lane in {Lane.COMPLETE, Lane.CANCELLED, Lane.DISCARDED}


def test_a_row_that_is_not_the_one_decided_on_is_not_written() -> None:
    job = job_in(Lane.READY)
    with opened() as pages:
        pages.insert(Change(job, None, ()), b"{}")
        stale = replace(job, version=job.version + 1)
        for command in (c.Start(MINE), c.Cancel("a")):
            with pytest.raises(StoreError, match="changed under their own transaction"):
                apply(pages, stale, command)
                pages.flush()
        assert pages.by_key(job.key) == job


def test_a_known_id_is_not_inserted_again() -> None:
    job = job_in(Lane.READY)
    with opened() as pages:
        assert pages.insert(Change(job, None, ()), b"{}")
        assert not pages.insert(Change(replace(job, key=42), None, ()), b"[]")
        assert pages.by_id(job.id) == job
