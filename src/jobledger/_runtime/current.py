"""Which job this code belongs to, for logs that say so."""

from __future__ import annotations

import logging
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

from jobledger._escape import shown

if TYPE_CHECKING:
    from jobledger._runtime.context import Context

CURRENT: ContextVar[Context | None] = ContextVar("jobledger_job", default=None)
"""The context of the attempt that this code belongs to: in its task, its thread, and what they start."""
FIELDS: Final = ("job_id", "job_type", "attempt", "job_entity", "trace_id")
"""What log records have."""
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
    return fields(ctx.job_id, ctx.type, ctx.entity, ctx.attempt, ctx.trace)


def fields(job_id: str, type_name: str, entity: str | None, attempt: int, traceparent: str | None) -> dict[str, object]:
    """The same, one by one. What others wrote is made visible: formatters print it as it is."""
    trace = trace_id(traceparent)
    named = None if entity is None else shown(entity), None if trace is None else shown(trace)
    return dict(zip(FIELDS, (job_id, shown(type_name), attempt, *named), strict=True))


_NOBODY: Final = dict[str, object].fromkeys(FIELDS)
