"""One line of log for each outcome, when it is durable: never a payload, never a result."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Final

from jobledger._core.job import EventName
from jobledger._core.outcome import Reason
from jobledger._escape import shown
from jobledger._runtime.current import fields, fields_of
from jobledger._types import SECOND

if TYPE_CHECKING:
    from collections.abc import Callable

    from jobledger._core.job import Event, Job
    from jobledger._runtime.context import Context

log = logging.getLogger("jobledger.outcome")
LEVELS: Final = {
    EventName.COMPLETED: logging.INFO,
    EventName.CANCELLED: logging.INFO,
    EventName.RELEASED: logging.INFO,
    EventName.RETRIED: logging.WARNING,
    EventName.LOST: logging.WARNING,
    EventName.DEAD_LETTERED: logging.ERROR,
}
"""The level of each outcome."""
REFUSED: Final = "refused"
"""What is told of an attempt that comes to a result after it was lost: no outcome, for that was the loss."""
_VALUE: Final = re.compile(r"(?<=enum value )(?:.*(?= - at )|.*)")
_LONGEST: Final = 300
"""Characters of an error: the job's history has all of it."""


def tell(ctx: Context, event: Event) -> None:
    """Log what came of an attempt."""
    _tell(lambda: fields_of(ctx), event)


def tell_lost(job: Job, type_name: str, event: Event) -> None:
    """Log what came of an attempt whose own worker can't say it any more; the one that took it over does.

    Args:
        job: as it is after that.
        type_name: the name of its type.
        event: what happened to it.
    """
    _tell(lambda: fields(job.id, type_name, job.entity, job.attempt, job.trace), event)


def tell_refused(ctx: Context) -> None:
    """Log that the result of an attempt was refused: it was lost before, and its outcome is that."""
    extra = {**fields_of(ctx), "outcome": REFUSED, "reason": None}
    job = (extra["job_type"], extra["job_id"], extra["attempt"])
    log.warning("%s %s, attempt %d: refused: the job was no longer its own; nothing was changed", *job, extra=extra)


def _tell(name_it: Callable[[], dict[str, object]], event: Event) -> None:
    level = LEVELS.get(event.name)
    if level is None or not log.isEnabledFor(level):
        return
    named = name_it()
    took = "" if event.micros is None else f" after {event.micros / SECOND:.3f} s"
    why = f": {event.reason}" if event.reason is not None else ""
    error = f": {brief_error(event)}" if event.error else ""
    extra = {**named, "outcome": str(event.name), "reason": event.reason and str(event.reason)}
    name = event.name.replace("_", "-")
    job = (named["job_type"], named["job_id"], named["attempt"])
    log.log(level, "%s %s, attempt %d: %s%s%s%s", *job, name, took, why, error, extra=extra)


def brief_error(event: Event) -> str:
    """What names the error of an outcome, on one line; empty if there is none.

    It is the last line of a traceback. What is said of a payload begins with it; a value that it quotes is left out.
    """
    if not event.error:
        return ""
    lines = event.error.strip().splitlines() or [""]
    line = _VALUE.sub("…", lines[0]) if event.reason is Reason.VALIDATION else lines[-1]
    text = shown(line)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
