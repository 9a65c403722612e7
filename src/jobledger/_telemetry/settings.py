"""What of jobledger goes to OpenTelemetry, as an App is told it."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, get_args

import msgspec

from jobledger._escape import brief
from jobledger.errors import InvalidOption

Spans: TypeAlias = Literal["link", "parent", "off"]


class Telemetry(msgspec.Struct, frozen=True, kw_only=True):
    """What goes to OpenTelemetry, and how; for ``App(…, telemetry=…)``.

    It needs the extra: ``pip install 'jobledger[otel]'``. Spans go where your own set-up of OpenTelemetry's SDK sends
    them; without one there are none.

    Args:
        spans: ``"link"`` begins a trace with each attempt, linked to the submit; ``"parent"`` puts attempts into the
            trace of the submit; ``"off"`` makes no spans.
        tracer_provider: makes the spans; None: the global one.

    Raises:
        InvalidOption: an option is out of its range.

    Example:
        >>> Telemetry(spans="parent").spans
        'parent'
    """

    spans: Spans = "link"
    tracer_provider: Any = None

    def __post_init__(self) -> None:
        """Check what can be wrong, here and not in a worker."""
        if self.spans not in get_args(Spans):
            raise InvalidOption(f"spans is one of {', '.join(get_args(Spans))}, not {brief(self.spans)}")
