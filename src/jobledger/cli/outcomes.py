"""Waiting for the end of jobs, and telling it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from jobledger._core.job import Status
from jobledger.cli.output import described
from jobledger.errors import JobError, NotEnded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jobledger._types import JobId
    from jobledger.app import App
    from jobledger.cli.output import Output

_AT_ONCE = 50


async def tell_outcomes(app: App, out: Output, ids: Sequence[JobId], wait: float) -> int:
    """Wait up to ``wait`` seconds for all jobs, and tell how each ended.

    Returns:
        The exit code: 0 if all of them are complete.
    """
    deadline = asyncio.get_running_loop().time() + wait
    free = asyncio.Semaphore(_AT_ONCE)

    async def one(job_id: JobId) -> Any | JobError:  # noqa: ANN401 - any JSON
        async with free:
            left = max(round(deadline - asyncio.get_running_loop().time(), 2), 0.0)
            try:
                return await app.jobs.result(job_id, wait=left)
            except JobError as error:
                return error

    outcomes = await asyncio.gather(*map(one, ids))
    failed = [outcome for outcome in outcomes if isinstance(outcome, JobError)]
    if out.as_json:
        told = [_as_data(job_id, outcome) for job_id, outcome in zip(ids, outcomes, strict=True)]
        out.data(told[0] if len(told) == 1 else {"jobs": told})
    elif len(ids) == 1 and not failed:
        out.line(f"{Status.COMPLETE}: {out.json_text(outcomes[0])}")
    else:
        _tell(out, len(ids), failed)
    return 1 if failed else 0


def _as_data(job_id: JobId, outcome: object) -> dict[str, Any]:
    known: dict[str, Any] = {"id": job_id, "created": job_id.created}
    if isinstance(outcome, JobError):
        return known | {"status": getattr(outcome, "status", None), "error": described(outcome)}
    return known | {"status": Status.COMPLETE, "result": outcome}


def _tell(out: Output, count: int, failed: Sequence[JobError]) -> None:
    for error in failed:
        out.error(error)
    if count > 1:
        running = sum(isinstance(error, NotEnded) for error in failed)
        parts = [f"{count - len(failed):,} complete"]
        parts += [f"{len(failed) - running:,} ended otherwise"] if len(failed) > running else []
        parts += [f"{running:,} still going on"] if running else []
        out.note(", ".join(parts))
