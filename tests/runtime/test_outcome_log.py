"""One line for each outcome, with the job in the record, and nothing that a terminal would obey."""

import asyncio
import logging
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec
import pytest

from jobledger import App, Cancel, Fail, JobFilter, Retry
from jobledger._core.commands import Submit
from tests.runtime.processes import ended, said, start
from tests.runtime.test_fenced_workers import take_over
from tests.waiting import until

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture
def records() -> Iterator[list[logging.LogRecord]]:
    """What the loggers of outcomes and of the shop have said."""
    found: list[logging.LogRecord] = []
    listener = logging.Handler()
    listener.emit = found.append  # type: ignore[assignment,method-assign]
    listener.addFilter(JobFilter())
    loggers = [logging.getLogger("jobledger.outcome"), logging.getLogger("shop")]
    for logger in loggers:
        logger.addHandler(listener)
        logger.setLevel(logging.INFO)
    yield found
    for logger in loggers:
        logger.removeHandler(listener)
        logger.setLevel(logging.NOTSET)


def outcomes(records: list[logging.LogRecord]) -> list[tuple[str, str]]:
    return [(record.levelname, record.outcome) for record in records if record.name == "jobledger.outcome"]  # type: ignore[attr-defined]


async def test_each_outcome_has_its_level(app: App, records: list[logging.LogRecord]) -> None:
    answers = iter([Retry(after=0), None, Cancel(), Fail("no such customer")])

    @app.job("work")
    async def work() -> object:
        return next(answers)

    async with app.worker(slots=1):
        for _ in range(3):
            await work.submit()
        await until(lambda: len(outcomes(records)) == 4, "all outcomes are logged")
    assert sorted(outcomes(records)) == [
        ("ERROR", "dead_lettered"),
        ("INFO", "cancelled"),
        ("INFO", "completed"),
        ("WARNING", "retried"),
    ]


async def test_the_record_names_the_job(app: App, records: list[logging.LogRecord]) -> None:
    @app.job("invoice.send")
    async def send(*, secret: str) -> str:
        raise ValueError(f"bad {len(secret)}")

    async with app.worker():
        job_id = await send.options(entity="customer:42", max_attempts=1, trace=TRACEPARENT).submit(secret="hunter2")  # noqa: S106 - it must not be logged
        await until(lambda: outcomes(records), "the outcome is logged")
    (record,) = (record for record in records if record.name == "jobledger.outcome")
    found = {
        name: getattr(record, name) for name in ("job_id", "job_type", "job_entity", "attempt", "trace_id", "reason")
    }
    assert found == {
        "job_id": str(job_id),
        "job_type": "invoice.send",
        "job_entity": "customer:42",
        "attempt": 1,
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        "reason": "MaxAttempts",
    }
    text = record.getMessage()
    assert text.startswith(f"invoice.send {job_id}, attempt 1: dead-lettered after 0.")
    assert text.endswith(": ValueError: bad 7")
    assert "hunter2" not in str(record.__dict__)


async def test_what_an_error_says_is_shown_and_not_obeyed(app: App, records: list[logging.LogRecord]) -> None:
    @app.job("work")
    async def work() -> None:
        raise ValueError("\x1b[31mred\x9b2026-01-01 INFO all is well" + "x" * 1000)

    async with app.worker():
        await work.options(max_attempts=1).submit()
        await until(lambda: outcomes(records), "the outcome is logged")
    text = records[-1].getMessage()
    assert text.endswith("…")
    assert not any(ord(character) < 32 for character in text)
    assert len(text) < 500


@pytest.mark.parametrize("is_async", [True, False])
async def test_a_handlers_own_logs_say_whose_they_are(
    app: App, records: list[logging.LogRecord], *, is_async: bool
) -> None:
    log = logging.getLogger("shop")

    async def in_loop() -> None:
        log.info("packing")
        await asyncio.create_task(later())

    async def later() -> None:
        log.info("shipping")

    def in_thread() -> None:
        log.info("packing")
        log.info("shipping")

    work = app.job("pack")(in_loop if is_async else in_thread)
    log.info("before")
    async with app.worker():
        job_id = await work.submit()
        await until(lambda: outcomes(records), "the outcome is logged")
    log.info("after")
    said = [(r.getMessage(), r.job_id, r.job_type) for r in records if r.name == "shop"]  # type: ignore[attr-defined]
    assert said == [
        ("before", None, None),
        ("packing", job_id, "pack"),
        ("shipping", job_id, "pack"),
        ("after", None, None),
    ]


async def test_a_level_that_nobody_wants_costs_nothing(app: App, caplog: pytest.LogCaptureFixture) -> None:
    @app.job("work")
    async def work() -> None:
        """Nothing."""

    with caplog.at_level(logging.WARNING, "jobledger.outcome"):
        async with app.worker():
            await work.result(await work.submit(), wait=10)
    assert outcomes(caplog.records) == []


def test_a_record_that_names_its_job_is_left_as_it_is() -> None:
    """The outcome of one job may be logged while another one is at hand."""
    record = logging.makeLogRecord({"job_id": "a", "job_type": "work"})
    assert JobFilter().filter(record)
    assert (record.__dict__["job_id"], record.__dict__["job_type"]) == ("a", "work")


def told(records: list[logging.LogRecord], outcome: str) -> list[dict[str, object]]:
    """What the records of an outcome say of their jobs."""
    names = ("levelname", "job_id", "job_type", "job_entity", "attempt", "trace_id", "reason")
    found = [record for record in records if getattr(record, "outcome", None) == outcome]
    return [{name: getattr(record, name) for name in names} for record in found]


async def test_the_loss_of_an_attempt_is_told_by_who_took_it_over(
    app: App, store_path: Path, records: list[logging.LogRecord]
) -> None:
    """Its own worker is dead."""

    @app.job("step")
    async def step(*, name: str) -> str:
        return name

    async with app:
        again = await step.options(entity="customer:42", trace=TRACEPARENT).submit(name="a")
        await app.declare("step", max_losses=1)
        dead = await app.jobs.submit("step", {"name": "b"})
        process = start("endless", store_path)
        assert {said(process), said(process)} == {"a", "b"}
        process.kill()
        assert ended(process) == -signal.SIGKILL
        async with app.worker():
            await step.result(again, wait=30)
            await until(lambda: len(outcomes(records)) == 3, "all outcomes are logged", 30)

    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    of_both = {"job_type": "step", "attempt": 1, "reason": "WorkerLost"}
    assert told(records, "lost") == [
        {**of_both, "levelname": "WARNING", "job_id": again, "job_entity": "customer:42", "trace_id": trace}
    ]
    assert told(records, "dead_lettered") == [
        {**of_both, "levelname": "ERROR", "job_id": dead, "job_entity": None, "trace_id": None}
    ]
    (lost,) = (record for record in records if getattr(record, "outcome", None) == "lost")
    assert lost.getMessage() == f"step {again}, attempt 1: lost: WorkerLost: the worker that ran this job was lost"


async def test_a_result_that_is_refused_is_told(app: App, store_path: Path, records: list[logging.LogRecord]) -> None:
    """It came after the attempt was lost: somebody may have seen its effects twice."""

    @app.job("work")
    async def work() -> str:
        if len(runs) < 2:
            runs.append("")
            await gate.wait()
        return "done"

    runs: list[str] = [""]
    gate = asyncio.Event()
    async with app.worker():
        job_id = await work.submit()
        await until(lambda: len(runs) == 2, "it runs")
        take_over(app, store_path)
        gate.set()
        await work.result(job_id, wait=30)
        await until(lambda: told(records, "refused") and told(records, "completed"), "both are logged", 30)
    assert [(one["levelname"], one["job_id"]) for one in told(records, "refused")] == [("WARNING", job_id)]
    assert len(told(records, "completed")) == 1


async def test_names_that_a_terminal_would_obey_are_shown(app: App, records: list[logging.LogRecord]) -> None:
    """Also in the fields of a record: a formatter prints them as they are."""
    log = logging.getLogger("shop")

    @app.job("pack\x9b31m")
    async def pack() -> None:
        log.info("packing")

    async with app.worker():
        await pack.options(entity="customer:\u202e42", trace="00-\x9b31mred").submit()
        await until(lambda: outcomes(records), "the outcome is logged")
    formatter = logging.Formatter("%(job_type)s %(job_entity)s %(trace_id)s %(message)s")
    assert len(records) == 2
    for record in records:
        line = formatter.format(record)
        assert line.startswith(r"pack\x9b31m customer:\u202e42 \x9b31mred ")
        assert line.isprintable()


@pytest.mark.parametrize("paper", ["hunter2", "it's - at `$.paper`", 4711])
async def test_no_value_of_a_payload_is_told(app: App, records: list[logging.LogRecord], paper: object) -> None:
    """An error about it may quote one."""

    @app.job("print")
    async def print_(*, paper: Literal["a4", 5]) -> None: ...

    async with app:
        await app.declare("print")
        door = app._opened_door()
        job_id = "00000000-0000-7000-8000-000000000001"
        type_id = app._known.named("print").type_id
        await door.send(Submit(job_id, type_id, msgspec.json.encode({"paper": paper}), 2))
        async with app.worker():
            await until(lambda: outcomes(records), "the outcome is logged")
        report = await app.jobs.status(job_id)
    text = records[-1].getMessage()
    assert text.endswith("Validation: the payload doesn't fit the handler: Invalid enum value … - at `$.paper`")
    assert str(paper) not in str(records[-1].__dict__)
    assert report.error is not None
    assert str(paper) in report.error
