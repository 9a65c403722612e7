"""OpenTelemetry's own exporter for OTLP/HTTP, held so that it says once what is wrong, and says it to us."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.exporter.otlp.proto.http import metric_exporter
from opentelemetry.sdk.metrics.export import MetricExportResult

from jobledger.errors import InvalidOption

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricsData

_LOGGER: Final = logging.getLogger(metric_exporter.__name__)


class Exporter:
    """Sends metrics to a collector.

    Args:
        endpoint: the whole URL; None: OpenTelemetry's variables say it, as they say headers, certificates and timeout.

    Raises:
        InvalidOption: a variable of OpenTelemetry is none.
    """

    def __init__(self, endpoint: str | None) -> None:
        """Nothing is sent yet."""
        try:
            self._exporter: Any = metric_exporter.OTLPMetricExporter(endpoint)
        except (ValueError, OSError) as error:
            raise InvalidOption(f"OpenTelemetry's exporter can't be set up: {error}") from error

    def send(self, data: MetricsData) -> str | None:
        """Send, and try again as the protocol says; it may take ``OTEL_EXPORTER_OTLP_METRICS_TIMEOUT``, 10 s.

        Returns:
            Why it was not taken; None if it was.
        """
        heard = _Heard()
        _LOGGER.addFilter(heard)
        try:
            result = self._exporter.export(data)
        finally:
            _LOGGER.removeFilter(heard)
        return None if result is MetricExportResult.SUCCESS else heard.last

    def shut(self) -> None:
        """End; what is being sent is not tried again."""
        self._exporter.shutdown()


class _Heard(logging.Filter):
    """Keeps what the exporter logs in this thread, and lets nothing of it pass: it would say it at each push."""

    def __init__(self) -> None:
        super().__init__()
        self.last = "unknown"
        self._thread = threading.get_ident()

    def filter(self, record: logging.LogRecord) -> bool:
        if record.thread != self._thread:
            return True
        self.last = record.getMessage()
        return False
