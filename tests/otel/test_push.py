"""Pushes: whose they are, what they lead to, and what decides where they go."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jobledger import App, Telemetry
from jobledger._core.catalog import PROCESSING
from tests.otel.pushing import handlers, points, pushed, settings, some_work
from tests.otel.receiver import Receiver, plain, points_of
from tests.waiting import until

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture
def new_app(url: str, receiver: Receiver) -> Callable[[], App]:
    """Apps that push often."""
    return lambda: App(url, telemetry=settings(receiver))


async def test_a_later_process_goes_on_under_the_same_beginning(new_app: Callable[[], App], receiver: Receiver) -> None:
    starts: list[set[int]] = []
    counts: list[object] = []
    resources: list[object] = []
    for _ in range(2):
        app = new_app()
        handlers(app)
        async with app.worker():
            await app.jobs.submit("mail")
            push = await pushed(receiver, (await app.metrics.snapshot()).as_of)
        metric = push.metrics["jobs_enqueued_total"]
        starts.append({point.start_time_unix_nano for point in metric.sum.data_points})
        counts.append(points(metric)[("type", "mail"), ("priority", "high")])
        resources.append(push.resource)
    assert starts[0] == starts[1]
    assert counts == [1, 2]
    assert resources[0] == resources[1]


async def test_the_resource_is_the_store(
    app: App, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Two processes that differ in it would be two sources, and everything would be counted twice."""
    monkeypatch.setenv("OTEL_SERVICE_NAME", "web")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "k8s.pod.name=web-7")
    other = App(f"sqlite:///{tmp_path}/other.db", telemetry=settings(receiver, resource={"deployment": "test"}))
    handlers(app)
    handlers(other)
    async with app.worker():
        await until(lambda: receiver.pushes, "the store has pushed")
        first = receiver.pushes[0]
        store_id = (await app._ledger()).store_id
    async with other.worker():
        await until(lambda: receiver.pushes[-1].resource != first.resource, "the other one has pushed")
        other_id = (await other._ledger()).store_id
    assert first.resource == {"service.name": "jobledger", "service.instance.id": store_id}
    assert receiver.pushes[-1].resource == {
        "service.name": "jobledger",
        "service.instance.id": other_id,
        "deployment": "test",
    }
    assert (store_id != other_id, first.scope) == (True, "jobledger")


async def test_exemplars_lead_to_the_job_and_its_trace(app: App, receiver: Receiver) -> None:
    handlers(app)
    async with app.worker():
        job_id = await app.jobs.submit("mail", trace=f"00-{TRACE}-{SPAN}-01")
        await app.jobs.result(job_id, wait=10)
        push = await pushed(receiver, (await app.metrics.snapshot()).as_of)
    (point,) = [
        point
        for point in points_of(push.metrics["jobs_processing_seconds"])
        if plain(point.attributes) == {"type": "mail", "priority": "high"}
    ]
    (exemplar,) = point.exemplars
    assert plain(exemplar.filtered_attributes) == {"job_id": str(job_id)}
    assert (exemplar.trace_id.hex(), exemplar.span_id.hex()) == (TRACE, SPAN)
    assert exemplar.as_double == pytest.approx(point.sum)


async def test_the_mirror_has_the_same_numbers(url: str, receiver: Receiver) -> None:
    app = App(url, telemetry=settings(receiver, messaging=True))
    handlers(app)
    async with app.worker():
        await some_work(app)
        push = await pushed(receiver, (await app.metrics.snapshot()).as_of)

    def mirrored(name: str, operation: str) -> dict[object, Any]:
        found = points(push.metrics[name])
        assert {labels[1:] for labels in found} == {
            (("messaging.operation.name", operation), ("messaging.system", "jobledger"))
        }
        return {labels[0][1]: value for labels, value in found.items()}

    assert mirrored("messaging.client.sent.messages", "submit") == {"mail": 4, "bill": 2}
    assert mirrored("messaging.client.consumed.messages", "process") == {"mail": 6, "bill": 2}
    durations = mirrored("messaging.process.duration", "process")
    assert {name: value.count for name, value in durations.items()} == {"mail": 6, "bill": 2}
    async with app:
        assert durations["mail"] == (await app.metrics.snapshot()).value(PROCESSING, type="mail")
    units = [push.metrics[name].unit for name in push.metrics if name.startswith("messaging")]
    assert units == ["{message}", "{message}", "s"]


async def test_no_mirror_unasked(app: App, receiver: Receiver) -> None:
    handlers(app)
    async with app.worker():
        await until(lambda: receiver.pushes, "the store has pushed")
    assert [name for name in receiver.pushes[0].metrics if not name.startswith("jobs_")] == []


async def test_compressed_and_where_the_environment_says(
    url: str, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
    app = App(url, telemetry=Telemetry(spans="off", interval=0.2))
    handlers(app)
    async with app.worker():
        await until(lambda: receiver.pushes, "the store has pushed")
    assert "jobs_enqueued_total" in receiver.pushes[0].metrics


async def test_a_disabled_sdk_pushes_nothing(app: App, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    handlers(app)
    async with app.worker() as node:
        assert node.pusher is None
    assert receiver.asked == 0
