"""What of jobledger goes to OpenTelemetry, as an App is told it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Final, Literal, TypeAlias, cast, get_args

import msgspec

from jobledger._escape import brief
from jobledger.errors import InvalidOption

Spans: TypeAlias = Literal["link", "parent", "off"]
DEFAULT_INTERVAL_SECONDS: Final = 60.0
"""As OpenTelemetry's own reader: specification, environment variables, OTEL_METRIC_EXPORT_INTERVAL."""
LEAST_INTERVAL_SECONDS: Final = 0.1
MOST_INTERVAL_SECONDS: Final = 86_400.0
_MOST_DIGITS: Final = 12
_INTERVAL_VARIABLE: Final = "OTEL_METRIC_EXPORT_INTERVAL"
_DISABLED_VARIABLE: Final = "OTEL_SDK_DISABLED"


class Telemetry(msgspec.Struct, frozen=True, kw_only=True):
    """What goes to OpenTelemetry, and how; for ``App(…, telemetry=…)``.

    It needs the extra: ``pip install 'jobledger[otel]'``. Where metrics are sent to, and with which headers and
    certificates, is said by OpenTelemetry's own variables: ``OTEL_EXPORTER_OTLP_ENDPOINT`` and so on. Spans go where
    your own set-up of OpenTelemetry's SDK sends them; without one there are none.

    Args:
        metrics: push the metrics of the store over OTLP/HTTP. Workers do it, in turn: one push an interval in all.
        spans: ``"link"`` begins a trace with each attempt, linked to the submit; ``"parent"`` puts attempts into the
            trace of the submit; ``"off"`` makes no spans.
        messaging: push three of the metrics also as OpenTelemetry's conventions for messaging call them; these are
            the same numbers once more.
        interval: seconds between two pushes, the same in all workers of a store. None: ``OTEL_METRIC_EXPORT_INTERVAL``
            (milliseconds), or 60 seconds.
        endpoint: the whole URL to push to, such as ``http://collector:4318/v1/metrics``; None: the variables say it.
        resource: attributes of the resource that the metrics are of, beside ``service.name`` (``"jobledger"``) and
            ``service.instance.id`` (the store's own). The resource is the store and not a process, so it must be the
            same in all workers; ``OTEL_RESOURCE_ATTRIBUTES`` and ``OTEL_SERVICE_NAME`` are not asked.
        tracer_provider: makes the spans; None: the global one.

    Raises:
        InvalidOption: an option is out of its range.

    Example:
        >>> Telemetry(interval=15, resource={"deployment.environment.name": "production"}).every()
        15.0
    """

    metrics: bool = True
    spans: Spans = "link"
    messaging: bool = False
    interval: float | None = None
    endpoint: str | None = None
    resource: Mapping[str, str] = {}
    tracer_provider: Any = None

    def __post_init__(self) -> None:
        """Check what can be wrong, here and not in a worker."""
        if self.spans not in get_args(Spans):
            raise InvalidOption(f"spans is one of {', '.join(get_args(Spans))}, not {brief(self.spans)}")
        if self.endpoint is not None and not str(self.endpoint).startswith(("http://", "https://")):
            raise InvalidOption(
                f"endpoint {brief(self.endpoint)} is no URL of HTTP: write http://collector:4318/v1/metrics"
            )
        if not _is_resource(self.resource):
            raise InvalidOption("resource maps names of attributes to text, and neither may be empty")
        self.every()

    def every(self) -> float:
        """Seconds between two pushes.

        Raises:
            InvalidOption: they, or the variable, are out of their range.
        """
        if self.interval is not None:
            return _within(self.interval, "interval")
        told = os.environ.get(_INTERVAL_VARIABLE, "").strip()
        if not told:
            return DEFAULT_INTERVAL_SECONDS
        if not told.isdecimal() or len(told) > _MOST_DIGITS:
            raise InvalidOption(f"{_INTERVAL_VARIABLE}={brief(told)} is no number of milliseconds")
        return _within(int(told) / 1000, _INTERVAL_VARIABLE)

    @property
    def pushes(self) -> bool:
        """Whether metrics are pushed: ``OTEL_SDK_DISABLED=true`` forbids it."""
        return self.metrics and os.environ.get(_DISABLED_VARIABLE, "").strip().lower() != "true"


def _is_resource(value: object) -> bool:
    if not isinstance(value, Mapping):
        return False
    attributes = cast("Mapping[object, object]", value)
    return all(isinstance(part, str) and part for pair in attributes.items() for part in pair)


def _within(seconds: object, what: str) -> float:
    if (
        not isinstance(seconds, int | float)
        or isinstance(seconds, bool)
        or not LEAST_INTERVAL_SECONDS <= seconds <= MOST_INTERVAL_SECONDS
    ):
        raise InvalidOption(
            f"{what} must be {LEAST_INTERVAL_SECONDS:g} to {MOST_INTERVAL_SECONDS:,.0f} seconds, not {brief(seconds)}"
        )
    return float(seconds)
