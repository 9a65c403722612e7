"""Jobs in any lane, for tests of the core: consistent rows, as a store would load them."""

from __future__ import annotations

from typing import Any, Final, TypedDict, Unpack

from msgspec.structs import replace

from jobledger._core.job import DUE_LANES, ENDED, STATUS_OF, Job, Lane, Progress
from jobledger._core.outcome import Reason
from jobledger._types import SECOND

NOW: Final = 1_700_000_100_000_000
MINE: Final = 7
"""The writer that runs what is processing."""
RUN: Final = 3

_PLAIN: Final = Job(
    key=41, id="a", seq=41, type_id=5, entity=None, priority=1, lane=Lane.READY, holds=False,
    submitted_at=NOW - 60 * SECOND, due_at=NOW - 50 * SECOND, eligible_at=NOW - 40 * SECOND,
    origin_at=NOW - 50 * SECOND, run=0, failures=0, losses=0, max_attempts=10, max_losses=3, timeout=None,
    dedupe=None, dedupe_until=0, batch=None, trace=None, writer_id=None, fence=0, started_at=None, cancel_at=None,
    ended_at=None, reason=None, error=None, result=None, progress=None, version=1,
)  # fmt: skip


class Fields(TypedDict, total=False):
    """What can be set of a job, besides what its lane says."""

    key: int
    seq: int
    entity: str | None
    holds: bool
    run: int
    failures: int
    losses: int
    max_attempts: int
    max_losses: int
    writer_id: int | None
    started_at: int | None
    cancel_at: int | None
    error: str | None
    progress: Progress | None


def job_in(lane: Lane, *, keyed: bool = False, **changes: Unpack[Fields]) -> Job:
    """A job in a lane, with what belongs to it there; ``changes`` come last."""
    fields: dict[str, Any] = {"lane": lane, "entity": "e" if keyed else None}
    fields["holds"] = keyed and lane in {Lane.READY, Lane.PROCESSING}
    if lane not in {Lane.READY, Lane.PROCESSING}:
        fields["eligible_at"] = None
    if lane is Lane.SCHEDULED:
        fields["due_at"] = NOW - SECOND
    if lane not in DUE_LANES and lane is not Lane.SCHEDULED:
        fields.update(run=RUN, fence=99, started_at=NOW - 10 * SECOND, version=8)
    if lane is Lane.PROCESSING:
        fields["writer_id"] = MINE
    if STATUS_OF[lane] in ENDED:
        fields["ended_at"] = NOW - 5 * SECOND
    if lane is Lane.FAILED:
        fields.update(failures=4, reason=Reason.MAX_ATTEMPTS, error="boom")
    return replace(_PLAIN, **{**fields, **changes})
