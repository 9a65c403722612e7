"""JobService: submit, ask, cancel, replay, discard."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias, Unpack, cast

from jobledger import errors
from jobledger._config import MAX_PAGE, POLL_SECONDS
from jobledger._core import commands as c
from jobledger._core.decide import Refusal, Refused, Verdict
from jobledger._core.job import Job, Progress, Status
from jobledger._core.report import (
    AlreadyEnded,
    CancelAnswer,
    Cancelled,
    JobPage,
    JobReport,
    Requested,
    report_of,
    summary_of,
)
from jobledger._store.filters import Filters, cursor_of, filter_of, several
from jobledger._store.intake import id_of, limit_of, seconds_of
from jobledger._store.joinable import Joinable
from jobledger.submitting import Submitting

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

    from jobledger._clock import Clock
    from jobledger._store.commit import Door
    from jobledger._store.contract import Filter
    from jobledger._store.known import KnownTypes
    from jobledger._store.run import Run
    from jobledger._telemetry.tracing import Tracing


Jobs: TypeAlias = list[Job]
"""`list` is a method below, so the type has another name there."""


_SLICES: Final = 10
"""Looks of one call of `list`; on SQLite each is at a hundred thousand jobs."""


class JobService(Submitting):
    """Everything that can be done with jobs, from any process.

    Args:
        door: where commands go.
        read: how the store's reads are run.
        clock: makes ids.
        known: the types.
        refresh: learns the store's types again.
        check: checks a payload against its handler, where that is known.
        schema: the schema that a caller's own connection finds this store in; raises where there can be none.
        tracing: what submits are traced with.
    """

    def __init__(
        self,
        door: Callable[[], Door],
        read: Run,
        clock: Clock,
        known: KnownTypes,
        *,
        refresh: Callable[[], Awaitable[None]],
        check: Callable[[str, bytes], None],
        schema: Callable[[], str],
        tracing: Tracing,
    ) -> None:
        """Made by the App."""
        super().__init__(door, clock, known, refresh=refresh, check=check, schema=schema, tracing=tracing)
        self._read = read

    async def wake(self) -> None:
        """Say that there are new jobs, after the commit of a transaction that submitted some.

        Without it a worker finds them when it looks next, within a quarter of a second. A hint, like all wake-ups.
        """
        door = self._door()
        if door.claimer is not None:
            door.claimer.look()
        if isinstance(door.store, Joinable):
            door.store.wake()

    async def status(self, job_id: str) -> JobReport:
        """All that is known of a job: status, attempts, history, result, progress.

        Raises:
            NotFound: there is no such job.
        """
        record = await self._read(lambda: self._door().store.record(id_of(job_id)))
        if record is None:
            raise errors.NotFound(job_id)
        return report_of(record)

    async def result(self, job_id: str, *, wait: float | None = None) -> Any:  # noqa: ANN401 - any JSON
        """A complete job's result as plain data; waits up to ``wait`` seconds for the end.

        Raises:
            NotFound: there is no such job.
            NotEnded: it had not ended in time.
            JobEnded: it ended, but not complete.
        """
        report = await self._outcome(job_id, wait or 0.0)
        if report.status is not Status.COMPLETE:
            raise errors.JobEnded(job_id, report.status, report.reason, report.error)
        return report.result

    async def cancel(self, job_id: str, *, wait: float | None = None) -> CancelAnswer:
        """Cancel a job: at once while it is queued, else by asking its running attempt to stop.

        Args:
            job_id: the job.
            wait: seconds to wait for the outcome of a running one.

        Returns:
            ``Cancelled``, ``Requested`` or ``AlreadyEnded(status)``.

        Raises:
            NotFound: there is no such job.
            NotEnded: it was asked to stop, but had not ended in time.
        """
        answer = cast("Verdict", await self._door().send(c.Cancel(id_of(job_id))))
        job = self._job(job_id, answer)
        if isinstance(answer, Refusal):
            return AlreadyEnded(job.status)
        if job.status is Status.CANCELLED:
            return Cancelled()
        if wait is None:
            return Requested()
        report = await self._outcome(job_id, wait)
        return Cancelled() if report.status is Status.CANCELLED else AlreadyEnded(report.status)

    async def replay(self, job_id: str) -> None:
        """Give a dead letter a new life at the end of its mailbox; id and history stay.

        Raises:
            NotFound, NotDead: nothing was changed.
        """
        await self._bury(c.Replay(id_of(job_id)), job_id, "replayed")

    async def discard(self, job_id: str) -> None:
        """End a dead letter for good.

        Raises:
            NotFound, NotDead: nothing was changed.
        """
        await self._bury(c.Discard(id_of(job_id)), job_id, "discarded")

    async def progress(self, job_id: str) -> AsyncGenerator[Progress]:
        """Each new progress of a job until it ends; what was overtaken before it was read is skipped.

        Raises:
            NotFound: there is no such job.
        """
        seen: Progress | None = None
        while True:
            changed = self._door().watch(job_id)
            try:
                report = await self.status(job_id)
                if report.progress is not None and report.progress != seen:
                    seen = report.progress
                    yield seen
                if report.ended:
                    return
                await asyncio.wait([changed], timeout=POLL_SECONDS)
            finally:
                self._door().unwatch(job_id, changed)

    async def list(
        self, *, limit: int = 50, after: str | None = None, newest_first: bool = True, **filters: Unpack[Filters]
    ) -> JobPage:
        """One page of jobs, in order of submission.

        By entity, batch, time of submission, and status while few jobs have it, jobs are found through an index. The
        other filters look at one job after the other, up to a million a call. So a page may hold fewer jobs than
        ``limit``, even none, and still have a ``next``: go on until that is None.

        Args:
            limit: jobs on a page, 1 to 1,000.
            after: the ``next`` of the page before.
            newest_first: False begins with the oldest.
            **filters: status, lane, type, entity, batch, reason, submitted_since, submitted_until, ended_since,
                ended_until; see :class:`Filters`. They narrow each other.

        Raises:
            InvalidOption: an unknown word, filters that contradict each other, an instant without a time zone, a limit
                outside 1 to 1,000, or a cursor that isn't ours.
            UnknownType: no such type.

        Example:
            >>> await app.jobs.list(status=["failed", "cancelled"], type="email.send")  # doctest: +SKIP
        """
        limit_of(limit, "limit", MAX_PAGE)
        names = several(filters.get("type"), "type")
        for name in names or ():
            await self._learn(name)
        types = None if names is None else tuple(self._known.named(name).type_id for name in names)
        found, cursor = await self._look(
            filter_of(filters, types, newest_first=bool(newest_first)), cursor_of(after), limit
        )
        if not all(self._known.has_id(job.type_id) for job in found):
            await self._refresh()
        shown = tuple(summary_of(job, self._known.name_of(job.type_id)) for job in found)
        return JobPage(shown, None if cursor is None else str(cursor))

    async def _look(self, where: Filter, cursor: int | None, limit: int) -> tuple[Sequence[Job], int | None]:
        """Look slice by slice, so that other reads of this process get their turn."""
        found: Jobs = []
        for _ in range(_SLICES):
            after, left = cursor, limit - len(found)
            page = await self._read(partial(self._door().store.page, where, after, left))
            found += page.jobs
            cursor = page.next
            if cursor is None or len(found) == limit:
                break
        return found, cursor

    async def _bury(self, asked: c.Replay | c.Discard, job_id: str, verb: str) -> None:
        answer = cast("Verdict", await self._door().send(asked))
        job = self._job(job_id, answer)
        if isinstance(answer, Refusal):
            if answer.why is Refused.UNKNOWN:
                raise errors.OutcomeUnknown(job_id)
            raise errors.NotDead(job_id, job.status, verb)

    def _job(self, job_id: str, answer: Verdict) -> Job:
        if answer.job is None:
            raise errors.NotFound(job_id)
        return answer.job

    async def _outcome(self, job_id: str, wait: float) -> JobReport:
        job_id, deadline = id_of(job_id), self._clock.monotonic() + seconds_of(wait, "wait")
        while True:
            changed = self._door().watch(job_id)
            try:
                report = await self.status(job_id)
                left = deadline - self._clock.monotonic()
                if report.ended:
                    return report
                if left <= 0:
                    message = f"job {job_id} is still {report.status} after {wait:g} s: wait longer, or ask status()"
                    raise errors.NotEnded(message, job_id)
                await asyncio.wait([changed], timeout=min(left, POLL_SECONDS))
            finally:
                self._door().unwatch(job_id, changed)
