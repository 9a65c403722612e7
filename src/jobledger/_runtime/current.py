"""Which job this code belongs to, for logs that say so."""

from __future__ import annotations

import logging
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from jobledger._runtime.context import Context

CURRENT: ContextVar[Context | None] = ContextVar("jobledger_job", default=None)
"""The context of the attempt that this code belongs to: in its task, its thread, and what they start."""
_TRACE_ID: Final = slice(3, 35)


def trace_id(traceparent: str | None) -> str | None:
    """The trace id in a W3C ``traceparent``."""
    return None if traceparent is None else traceparent[_TRACE_ID] or None


class JobFilter(logging.Filter):
    """Adds the running job to log records: ``job_id``, ``job_type``, ``job_entity``, ``attempt`` and ``trace_id``.

    Outside of a handler they are None. It lets every record pass. Records of jobledger's own outcomes have these
    fields already.

    Example:
        >>> import logging
        >>> handler = logging.StreamHandler()
        >>> handler.addFilter(JobFilter())
        >>> handler.setFormatter(logging.Formatter("%(levelname)s %(job_type)s %(job_id)s %(message)s"))
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Add the fields, and let the record pass."""
        if not hasattr(record, "job_id"):
            ctx = CURRENT.get()
            record.__dict__ |= fields_of(ctx) if ctx is not None else _NOBODY
        return True


def fields_of(ctx: Context) -> dict[str, object]:
    """What a record says of a job."""
    return {
        "job_id": ctx.job_id,
        "job_type": ctx.type,
        "job_entity": ctx.entity,
        "attempt": ctx.attempt,
        "trace_id": trace_id(ctx.trace),
    }


_NOBODY: Final = dict[str, object].fromkeys(("job_id", "job_type", "job_entity", "attempt", "trace_id"))
