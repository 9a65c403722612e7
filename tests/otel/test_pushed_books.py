"""Pushed metrics as a collector receives them: the books, whole, and under their own time."""

from collections.abc import Callable

import pytest
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality

from jobledger import App
from tests.both_stores import url
from tests.otel.pushing import handlers, points, pushed, settings, some_work
from tests.otel.receiver import Push, Receiver

__all__ = ["url"]


@pytest.fixture
def new_app(url: str, receiver: Receiver) -> Callable[[], App]:
    """Apps that push often."""
    return lambda: App(url, telemetry=settings(receiver))


async def test_all_of_the_books_and_nothing_else(app: App, receiver: Receiver) -> None:
    handlers(app)
    async with app.worker():
        await some_work(app)
        before = await app.metrics.snapshot()
        push = await pushed(receiver, before.as_of)
        after = await app.metrics.snapshot()
    families = {family.name: family for family in before.families() if family.series}
    moving = {"jobs_ledger_as_of_timestamp_seconds", "jobs_sampled_timestamp_seconds", "jobs_ledger_unfolded"}
    assert set(push.metrics) == set(families)
    for name, family in families.items():
        metric = push.metrics[name]
        assert (metric.description, metric.unit) == (family.help, "s" if family.unit == "seconds" else "")
        assert metric.WhichOneof("data") == {"counter": "sum"}.get(family.kind, str(family.kind))
        if name not in moving:
            assert points(metric) == {series.labels: series.value for series in family.series}
    assert points(push.metrics["jobs_ledger_as_of_timestamp_seconds"])[()] == pytest.approx(push.at / 1e9, abs=1e-6)
    assert await balanced(app, push)
    assert after.as_of >= push.at / 1e9


async def balanced(app: App, push: Push) -> bool:
    """The identity of jobs, in what was pushed and in the audit."""

    def total(name: str) -> int:
        return sum(value for value in points(push.metrics[name]).values() if isinstance(value, int))

    coming = total("jobs_enqueued_total") + total("jobs_replayed_total")
    gone = total("jobs_completed_total") + total("jobs_cancelled_total") + total("jobs_dead_lettered_total")
    here = total("jobs_queue_depth") + total("jobs_scheduled") + total("jobs_running")
    async with app:
        audit = await app.metrics.audit()
    assert audit.balanced
    return coming == gone + here == 6


async def test_counts_are_cumulative_since_the_store_began(app: App, receiver: Receiver) -> None:
    handlers(app)
    async with app.worker():
        await some_work(app)
        began = (await app._ledger()).began_at * 1000
        push = await pushed(receiver, (await app.metrics.snapshot()).as_of)
    for metric in push.metrics.values():
        kind = str(metric.WhichOneof("data"))
        data = getattr(metric, kind)
        assert {point.time_unix_nano for point in data.data_points} == {push.at}
        starts = {point.start_time_unix_nano for point in data.data_points}
        if kind == "gauge":
            assert starts == {0}
        else:
            assert data.aggregation_temporality == AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
            assert starts == {began}
        assert kind != "sum" or data.is_monotonic
    assert 0 < began < push.at
