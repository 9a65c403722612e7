"""Spans as a collector receives them: submits, attempts, and what ties them together."""

import asyncio
import contextvars
import re
import threading
import time
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

from jobledger import App, Cancel, Context, Fail, Item, JobId, Retry, Telemetry
from jobledger.errors import Duplicate, JobEnded
from tests.otel.receiver import Receiver, plain
from tests.waiting import until

PRODUCER, CONSUMER, INTERNAL = Span.SPAN_KIND_PRODUCER, Span.SPAN_KIND_CONSUMER, Span.SPAN_KIND_INTERNAL
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


def named(receiver: Receiver, name: str) -> list[Span]:
    return [span for span in receiver.spans if span.name == name]


async def received(receiver: Receiver, name: str, count: int = 1) -> list[Span]:
    """All spans of a name, when there are so many."""
    await until(lambda: len(named(receiver, name)) >= count, f"there are {count} spans {name!r}")
    return named(receiver, name)


def traceparent_of(span: Span) -> str:
    """Without its flags: newer versions of the SDK also say that the id is random."""
    return f"00-{span.trace_id.hex()}-{span.span_id.hex()}"


async def test_a_submit_and_its_attempt(app: App, receiver: Receiver) -> None:
    @app.job("invoice.send", priority="high")
    async def send(ctx: Context, *, to: str) -> str | None:
        return ctx.trace

    async with app.worker():
        job_id = await send.options(entity="customer:42").submit(to="hunter2")
        carried = await send.result(job_id, wait=10)
        (submit,), (process,) = (
            await received(receiver, "submit invoice.send"),
            await received(receiver, "process invoice.send"),
        )
    assert (submit.kind, process.kind) == (PRODUCER, CONSUMER)
    common = {
        "messaging.system": "jobledger",
        "messaging.destination.name": "invoice.send",
        "messaging.message.id": str(job_id),
        "jobledger.job.entity": "customer:42",
    }
    assert plain(submit.attributes) == common | {
        "messaging.operation.name": "submit",
        "messaging.operation.type": "send",
    }
    assert plain(process.attributes) == common | {
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "jobledger.job.attempt": 1,
        "jobledger.job.run": 1,
        "jobledger.job.priority": "high",
        "jobledger.job.outcome": "completed",
    }
    assert str(carried).startswith(traceparent_of(submit))
    assert [(link.trace_id, link.span_id) for link in process.links] == [(submit.trace_id, submit.span_id)]
    assert (process.parent_span_id, process.trace_id != submit.trace_id) == (b"", True)
    assert (process.status.code, list(process.events)) == (Status.STATUS_CODE_UNSET, [])
    assert not any("hunter2" in str(span) for span in receiver.spans)


async def test_a_span_ends_when_the_code_has_stopped(app: App, receiver: Receiver) -> None:
    """Not when its outcome is written, which may take as long as the store likes."""
    go, blocked = threading.Event(), []

    @app.job("work")
    async def work() -> None:
        blocked.append(app._threads.write(go.wait))

    async with app.worker() as node:
        await work.submit()
        running = node._dispatcher.running
        await until(lambda: blocked and not any(one.is_running for one in running.values()), "the code has stopped")
        stopped = time.time_ns()
        go.set()
        (process,) = await received(receiver, "process work")
    assert process.start_time_unix_nano <= process.end_time_unix_nano <= stopped


async def test_a_retry_is_an_event_and_each_attempt_a_span(app: App, receiver: Receiver) -> None:
    @app.job("work", retry_base=0)
    async def work(ctx: Context, *, secret: str) -> None:
        if ctx.attempt == 1:
            raise ConnectionResetError("the wire is cut")

    async with app.worker():
        await work.result(await work.submit(secret="hunter2"), wait=10)  # noqa: S106 - it must not be told
        first, second = await received(receiver, "process work", 2)
    assert [plain(span.attributes)["jobledger.job.attempt"] for span in (first, second)] == [1, 2]
    assert first.links == second.links
    assert plain(first.attributes)["error.type"] == "ConnectionResetError"
    assert (first.status.code, first.status.message) == (
        Status.STATUS_CODE_ERROR,
        "ConnectionResetError: the wire is cut",
    )
    (event,) = first.events
    told = plain(event.attributes)
    assert (event.name, told.pop("jobledger.reason")) == ("retried", "Processing")
    assert told.pop("jobledger.retry.delay") == 0.0
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+\+00:00", str(told.pop("jobledger.retry.at")))
    assert (told, event.time_unix_nano) == ({}, first.end_time_unix_nano)
    assert (second.status.code, list(second.events)) == (Status.STATUS_CODE_UNSET, [])
    assert not any("hunter2" in str(span) for span in receiver.spans)


@pytest.mark.parametrize(
    ("answer", "outcome", "error"),
    [
        (Retry(after=30, error="later"), "retried", "Processing"),
        (Fail("no such customer"), "dead_lettered", "Processing"),
        (ValueError("no such customer"), "dead_lettered", "ValueError"),
        (Cancel(), "cancelled", None),
    ],
)
async def test_what_an_attempt_comes_to(
    app: App, receiver: Receiver, answer: object, outcome: str, error: str | None
) -> None:
    @app.job("work", max_attempts=2 if isinstance(answer, Retry) else 1)
    def work() -> object:
        if isinstance(answer, Exception):
            raise answer
        return answer

    async with app.worker():
        await work.submit()
        (process,) = await received(receiver, "process work")
    told = plain(process.attributes)
    assert (told["jobledger.job.outcome"], told.get("error.type")) == (outcome, error)
    assert [event.name for event in process.events] == [outcome]
    if outcome == "retried":
        assert plain(process.events[0].attributes)["jobledger.retry.delay"] == 30


async def test_a_timeout_and_a_cancel(app: App, receiver: Receiver) -> None:
    started: list[str] = []

    @app.job("endless", max_attempts=1)
    async def endless(ctx: Context) -> None:
        started.append(ctx.job_id)
        await asyncio.get_running_loop().create_future()

    async with app.worker():
        await endless.options(timeout=0.01).submit()
        await received(receiver, "process endless")
        job_id = await endless.submit()
        await until(lambda: job_id in started, "it runs")
        await app.jobs.cancel(job_id, wait=10)
        late, cancelled = await received(receiver, "process endless", 2)
    assert plain(late.attributes)["error.type"] == "MaxAttempts"
    assert "timeout" in late.status.message
    assert (plain(cancelled.attributes)["jobledger.job.outcome"], cancelled.status.code) == (
        "cancelled",
        Status.STATUS_CODE_UNSET,
    )


async def test_a_job_that_a_stopping_worker_puts_back(app: App, receiver: Receiver) -> None:
    started = asyncio.Event()

    @app.job("endless")
    async def endless() -> None:
        started.set()
        await asyncio.get_running_loop().create_future()

    async with app.worker(grace=0):
        await endless.submit()
        await started.wait()
    (process,) = await received(receiver, "process endless")
    assert [event.name for event in process.events] == ["released"]
    assert process.status.code == Status.STATUS_CODE_UNSET


async def test_an_attempt_whose_job_others_have_taken_over(app: App, receiver: Receiver) -> None:
    go, started = asyncio.Event(), asyncio.Event()

    @app.job("work")
    async def work() -> None:
        started.set()
        await go.wait()

    async with app.worker():
        await work.submit()
        await started.wait()
        door = app._opened_door()
        await app._threads.write(lambda: door.store.take_over((door.writer_id or 0,)))
        go.set()
        lost, again = await received(receiver, "process work", 2)
    assert (plain(lost.attributes)["jobledger.job.outcome"], lost.events[0].name) == ("lost", "lost")
    assert lost.status.code == Status.STATUS_CODE_ERROR
    assert (plain(again.attributes)["jobledger.job.losses"], plain(again.attributes)["jobledger.job.outcome"]) == (
        1,
        "completed",
    )


@pytest.mark.parametrize("is_async", [True, False])
async def test_the_handlers_own_spans_are_inside(
    app: App, receiver: Receiver, provider: TracerProvider, *, is_async: bool
) -> None:
    tracer = provider.get_tracer("shop")

    async def in_loop() -> None:
        await asyncio.create_task(asyncio.to_thread(in_thread))

    def in_thread() -> None:
        with tracer.start_as_current_span("pack"):
            pass

    work = app.job("work")(in_loop if is_async else in_thread)
    async with app.worker():
        with tracer.start_as_current_span("request"):
            await work.result(await work.submit(), wait=10)
        (process,) = await received(receiver, "process work")
        ((pack,), (request,), (submit,)) = [named(receiver, name) for name in ("pack", "request", "submit work")]
    assert (pack.trace_id, pack.parent_span_id) == (process.trace_id, process.span_id)
    assert (submit.trace_id, submit.parent_span_id) == (request.trace_id, request.span_id)
    assert process.parent_span_id == b""
    assert trace.get_current_span() is trace.INVALID_SPAN


async def test_children(app: App, receiver: Receiver) -> None:
    @app.job("parent")
    def parent(ctx: Context) -> None:
        ctx.submit("child", {}, entity="e")

    @app.job("child")
    async def child(ctx: Context) -> str | None:
        return ctx.trace

    async with app.worker():
        await parent.submit()
        (linked,) = await received(receiver, "process child")
        ((made,), (process,)) = named(receiver, "create child"), named(receiver, "process parent")
    assert (made.kind, made.parent_span_id) == (PRODUCER, process.span_id)
    assert plain(made.attributes)["messaging.message.id"] == plain(linked.attributes)["messaging.message.id"]
    assert [link.span_id for link in linked.links] == [made.span_id]


async def test_a_batch_is_one_span(app: App, receiver: Receiver) -> None:
    @app.job("work")
    async def work() -> None: ...

    async with app.worker():
        ids = await app.jobs.submit("work", [{}, Item({}, dedupe="k"), Item({}, dedupe="k")])
        (submit,) = await received(receiver, "submit work")
        processes = await received(receiver, "process work", 2)
    assert [job_id.created for job_id in ids] == [True, True, False]
    told = plain(submit.attributes)
    assert (told["messaging.batch.message_count"], told["jobledger.deduplicated"]) == (3, 1)
    assert "messaging.message.id" not in told
    assert {link.span_id for span in processes for link in span.links} == {submit.span_id}


async def test_a_trace_that_the_caller_gives(app: App, receiver: Receiver) -> None:
    @app.job("work")
    async def work(ctx: Context) -> str | None:
        return ctx.trace

    async with app.worker():
        assert await work.result(await work.options(trace=TRACEPARENT).submit(), wait=10) == TRACEPARENT
        assert await work.result(await work.options(trace="yesterday").submit(), wait=10) == "yesterday"
        given, none = await received(receiver, "process work", 2)
    assert [link.trace_id.hex() for link in given.links] == [TRACE]
    assert not none.links


async def test_an_attempt_in_the_trace_of_its_submit(url: str, receiver: Receiver, provider: TracerProvider) -> None:
    app = App(url, telemetry=Telemetry(spans="parent", tracer_provider=provider))

    @app.job("work")
    async def work() -> None: ...

    async with app.worker():
        await work.submit()
        (process,) = await received(receiver, "process work")
    (submit,) = named(receiver, "submit work")
    assert (process.trace_id, process.parent_span_id, list(process.links)) == (submit.trace_id, submit.span_id, [])


async def test_what_was_not_submitted(app: App, receiver: Receiver) -> None:
    @app.job("work")
    async def work(*, secret: str) -> None: ...

    async with app:
        holder = await work.options(dedupe="k").submit(secret="hunter2")  # noqa: S106 - it must not be told
        again = await work.options(dedupe="k").submit(secret="hunter2")  # noqa: S106 - as above
        with pytest.raises(Duplicate):
            await work.options(dedupe="k", on_duplicate="raise").submit(secret="hunter2")  # noqa: S106 - as above
    _, second, third = await received(receiver, "submit work", 3)
    assert (again, plain(second.attributes)["messaging.message.id"]) == (holder, str(holder))
    assert plain(second.attributes)["jobledger.deduplicated"] == 1
    assert plain(third.attributes)["error.type"] == "jobledger.errors.Duplicate"
    assert third.status.code == Status.STATUS_CODE_ERROR
    assert not any("hunter2" in str(span) for span in receiver.spans)


async def test_from_synchronous_code(app: App, receiver: Receiver, provider: TracerProvider) -> None:
    @app.job("work")
    async def work() -> None: ...

    def serve() -> JobId:
        with app.blocking() as run, provider.get_tracer("shop").start_as_current_span("request"):
            return run(work.submit())

    await asyncio.to_thread(contextvars.copy_context().run, serve)
    (submit,), (request,) = await received(receiver, "submit work"), await received(receiver, "request")
    assert submit.parent_span_id == request.span_id


class Broken(SpanProcessor):
    """A program's own, which fails."""

    def on_start(self, span: Any, parent_context: Any = None) -> None:  # noqa: ARG002 - the SDK names it
        if span.name.startswith("submit"):
            raise RuntimeError("cannot start")

    def on_end(self, span: Any) -> None:  # noqa: ARG002 - as above
        raise RuntimeError("cannot end")


async def test_a_set_up_that_fails_costs_no_job(url: str, caplog: pytest.LogCaptureFixture) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(Broken())
    app = App(url, telemetry=Telemetry(tracer_provider=provider))

    @app.job("work", max_attempts=1)
    async def work(*, fails: bool) -> str:
        if fails:
            raise OSError
        return "done"

    async with app.worker():
        assert await work.result(await work.submit(fails=False), wait=10) == "done"
        with pytest.raises(JobEnded):
            await work.result(await work.submit(fails=True), wait=10)
    assert {record.name for record in caplog.records} >= {"jobledger.telemetry"}
    provider.shutdown()


async def test_without_a_set_up_there_are_no_spans(url: str) -> None:
    app = App(url, telemetry=Telemetry())

    @app.job("work")
    async def work(ctx: Context) -> tuple[str | None, bool]:
        return ctx.trace, trace.get_current_span().get_span_context().is_valid

    async with app.worker():
        assert await work.result(await work.submit(), wait=10) == (None, False)
