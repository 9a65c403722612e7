"""An OTLP receiver: HTTP on a real socket, protobuf inside, as the collector's."""

from __future__ import annotations

import gzip
import threading
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence

    from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
    from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
    from opentelemetry.proto.trace.v1.trace_pb2 import Span


class Push:
    """One request with the metrics of one resource.

    Attributes:
        at: the time of its points, in nanoseconds since 1970.
        resource: its attributes.
        metrics: by name.
    """

    def __init__(self, request: ExportMetricsServiceRequest) -> None:
        (resource,) = request.resource_metrics
        (scope,) = resource.scope_metrics
        self.scope = scope.scope.name
        self.resource = plain(resource.resource.attributes)
        self.metrics = {metric.name: metric for metric in scope.metrics}
        assert len(self.metrics) == len(scope.metrics)
        (self.at,) = {point.time_unix_nano for metric in scope.metrics for point in points_of(metric)}


class Receiver:
    """What was received.

    Attributes:
        url: where it listens.
        pushes: what came with metrics, in order.
        spans: all spans, as they came.
        status: what is answered; anything but 200 also says that nothing was taken.
        asked: how many requests there were.
        held: while it is not set, no request is answered.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.pushes: list[Push] = []
        self.spans: list[Span] = []
        self.status = 200
        self.asked = 0
        self.held = threading.Event()
        self.held.set()

    def take(self, path: str, body: bytes) -> tuple[int, bytes]:
        self.asked += 1
        self.held.wait()
        if self.status != 200:
            return self.status, b""
        if path == "/v1/metrics":
            self.pushes.append(Push(ExportMetricsServiceRequest.FromString(body)))
            return 200, ExportMetricsServiceResponse().SerializeToString()
        if path == "/v1/traces":
            request = ExportTraceServiceRequest.FromString(body)
            self.spans += [span for one in request.resource_spans for scope in one.scope_spans for span in scope.spans]
            return 200, ExportTraceServiceResponse().SerializeToString()
        return 404, b""


@contextmanager
def receiving() -> Generator[Receiver]:
    """A receiver on a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            status, answer = receiver.take(self.path, body)
            with suppress(ConnectionError):  # whoever asked may be dead
                self.send_response(status)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Nothing on the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver = Receiver(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield receiver
    finally:
        receiver.held.set()
        server.shutdown()
        server.server_close()
        thread.join()


def points_of(metric: Metric) -> Sequence[Any]:
    """The points of a metric, of whatever kind."""
    points: Sequence[Any] = getattr(metric, str(metric.WhichOneof("data"))).data_points
    return points


def plain(attributes: Iterable[KeyValue]) -> dict[str, object]:
    """Attributes as Python has them."""
    return {one.key: _plain(one.value) for one in attributes}


def _plain(value: AnyValue) -> object:
    kind = value.WhichOneof("value")
    return None if kind is None else getattr(value, kind)
