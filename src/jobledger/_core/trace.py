"""The trace that a job belongs to, as W3C trace context writes it."""

from __future__ import annotations

import re
from typing import Final

_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?", re.ASCII)
_NONE: Final = "0" * 32


def trace_id(traceparent: str | None) -> str | None:
    """The id of the trace in a ``traceparent``; None where there is none, or none that is valid.

    Example:
        >>> trace_id("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        '0af7651916cd43dd8448eb211c80319c'
        >>> trace_id("yesterday")
    """
    found = _TRACEPARENT.fullmatch(traceparent or "")
    return None if found is None or found[1] == _NONE else found[1]


def span_id(traceparent: str | None) -> str | None:
    """The id of the span in a ``traceparent`` that has a valid trace.

    Example:
        >>> span_id("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        'b7ad6b7169203331'
    """
    found = _TRACEPARENT.fullmatch(traceparent or "")
    return None if found is None or trace_id(traceparent) is None else found[2]
