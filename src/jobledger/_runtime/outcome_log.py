"""One line of log for each outcome, when it is durable: never a payload, never a result."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from jobledger._core.job import EventName
from jobledger._escape import shown
from jobledger._runtime.current import fields_of
from jobledger._types import SECOND

if TYPE_CHECKING:
    from jobledger._core.job import Event
    from jobledger._runtime.context import Context

log = logging.getLogger("jobledger.outcome")
LEVELS: Final = {
    EventName.COMPLETED: logging.INFO,
    EventName.CANCELLED: logging.INFO,
    EventName.RELEASED: logging.INFO,
    EventName.RETRIED: logging.WARNING,
    EventName.DEAD_LETTERED: logging.ERROR,
}
"""The level of each outcome."""
_LONGEST: Final = 300
"""Characters of an error: the job's history has all of it."""


def tell(ctx: Context, event: Event) -> None:
    """Log what came of an attempt."""
    level = LEVELS.get(event.name)
    if level is None or not log.isEnabledFor(level):
        return
    took = "" if event.micros is None else f" after {event.micros / SECOND:.3f} s"
    why = f": {event.reason}" if event.reason is not None else ""
    error = f": {last_line(event.error)}" if event.error else ""
    fields = {**fields_of(ctx), "outcome": str(event.name), "reason": event.reason and str(event.reason)}
    name = event.name.replace("_", "-")
    log.log(
        level, "%s %s, attempt %d: %s%s%s%s", shown(ctx.type), ctx.job_id, ctx.attempt, name, took, why, error,
        extra=fields,
    )  # fmt: skip


def last_line(error: str) -> str:
    """Of an error what names it, on one line."""
    lines = error.rstrip().splitlines() or [""]
    text = shown(lines[-1])
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
