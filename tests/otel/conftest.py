"""A receiver for each test, and an SDK as a program would set it up."""

from collections.abc import Callable, Iterator

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from jobledger import App, Telemetry
from tests.otel.receiver import Receiver, receiving


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def provider(receiver: Receiver) -> Iterator[TracerProvider]:
    """Sends each span when it ends."""
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(f"{receiver.url}/v1/traces")))
    yield provider
    provider.shutdown()


@pytest.fixture
def new_app(url: str, provider: TracerProvider) -> Callable[[], App]:
    """Traced Apps on the test's one store."""
    return lambda: App(url, telemetry=Telemetry(tracer_provider=provider))
