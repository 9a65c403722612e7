"""JobService: submit, ask, cancel, replay, discard."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeGuard, Unpack, cast, overload

import msgspec

from jobledger import errors
from jobledger._config import MAX_BATCH_BYTES, MAX_ITEMS, MAX_PAGE, POLL_SECONDS, REFRESH_SECONDS
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
from jobledger._store.contract import Filter
from jobledger._store.intake import Options, SubmitOptions, command, limit_of, not_an_object, seconds_of
from jobledger._types import JobId

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping

    from jobledger._clock import Clock
    from jobledger._store.commit import Door
    from jobledger._store.known import KnownTypes
    from jobledger._store.run import Run


JobIds: TypeAlias = list[JobId]
Many: TypeAlias = list[Any]
"""`list` is a method below, so the type has other names there."""


_CURSOR_DIGITS: Final = 19
"""Cursors are the store's row numbers, which have fewer."""


class Item(msgspec.Struct, frozen=True):
    """One job of a batch with options of its own; what is None comes from the batch's call."""

    payload: dict[str, Any]
    entity: str | None = None
    priority: str | None = None
    delay: float | None = None
    dedupe: str | None = None
    dedupe_for: float | None = None


class JobService:
    """Everything that can be done with jobs, from any process.

    Args:
        door: where commands go.
        read: how the store's reads are run.
        clock: makes ids.
        known: the types.
        refresh: learns the store's types again.
        check: checks a payload against its handler, where that is known.
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
    ) -> None:
        """Made by the App."""
        self._door = door
        self._read = read
        self._clock = clock
        self._known = known
        self._refresh = refresh
        self._check = check
        self._learned_at = clock.monotonic()

    @overload
    async def submit(
        self, type_name: str, payload: Mapping[str, object] | None = None, /, **options: Unpack[SubmitOptions]
    ) -> JobId: ...

    @overload
    async def submit(self, type_name: str, payload: Many, /, **options: Unpack[SubmitOptions]) -> JobIds: ...

    async def submit(
        self, type_name: str, payload: Mapping[str, object] | Many | None = None, /, **options: Unpack[SubmitOptions]
    ) -> JobId | JobIds:
        """Accept a job, or a batch of jobs; when this returns, it is as durable as the database.

        Args:
            type_name: the name a handler is registered under.
            payload: a JSON object; a *list* of objects or :class:`Item` is a batch: all or nothing.
            **options: entity, priority, delay, at, timeout, max_attempts, dedupe, dedupe_for, on_duplicate, batch,
                trace; see :class:`SubmitOptions`.

        Returns:
            The job's id, or the ids in the order of the batch.

        Raises:
            UnknownType, InvalidPayload, InvalidOption: nothing was submitted.
            Duplicate: the key is held and ``on_duplicate`` is "raise".

        Example:
            >>> await app.jobs.submit("email.send", {"to": "a@b.c"}, entity="customer:42")  # doctest: +SKIP
        """
        chosen = Options.of(options)
        if _is_batch(payload):
            return await self._submit_all(type_name, payload, chosen)
        one = cast("Mapping[str, object]", {} if payload is None else payload)
        return await self.submit_one(type_name, one, chosen)

    async def submit_one(self, type_name: str, payload: Mapping[str, object], options: Options) -> JobId:
        """Submit one job with its options as one value; see :meth:`submit`."""
        await self._learn(type_name)
        job_id, sent = self.build(type_name, payload, options)
        answer = cast("Verdict", await self._door().send(sent))
        return self._accepted(job_id, sent, answer, options)

    def build(self, type_name: str, payload: Mapping[str, object], options: Options) -> tuple[JobId, c.Submit]:
        """A checked command and its id, without sending it.

        Raises:
            UnknownType, InvalidPayload, InvalidOption: it could not be sent.
        """
        if not isinstance(payload, dict) and not hasattr(payload, "keys"):
            raise not_an_object(payload)
        job_id = JobId(self._clock.new_id())
        return job_id, command(str(job_id), self._known.named(type_name), payload, options, self._check)

    async def status(self, job_id: str) -> JobReport:
        """All that is known of a job: status, attempts, history, result, progress.

        Raises:
            NotFound: there is no such job.
        """
        record = await self._read(lambda: self._door().store.record(_id(job_id)))
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
        answer = cast("Verdict", await self._door().send(c.Cancel(_id(job_id))))
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
        await self._bury(c.Replay(_id(job_id)), job_id, "replayed")

    async def discard(self, job_id: str) -> None:
        """End a dead letter for good.

        Raises:
            NotFound, NotDead: nothing was changed.
        """
        await self._bury(c.Discard(_id(job_id)), job_id, "discarded")

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
        self,
        *,
        status: Status | str | None = None,
        type: str | None = None,  # noqa: A002 - the word users know it by
        entity: str | None = None,
        batch: str | None = None,
        limit: int = 50,
        after: str | None = None,
        newest_first: bool = True,
    ) -> JobPage:
        """One page of jobs; ``after`` is the ``next`` of the page before.

        Raises:
            InvalidOption: unknown status, a limit outside 1 to 1,000, or a cursor that isn't ours.
            UnknownType: no such type.
        """
        limit_of(limit, "limit", MAX_PAGE)
        if type is not None:
            await self._learn(type)
        where = Filter(
            status=None if status is None else _status(status),
            type_id=None if type is None else self._known.named(type).type_id,
            entity=entity, batch=batch, newest_first=newest_first,
        )  # fmt: skip
        cursor = _cursor(after)
        jobs = await self._read(lambda: self._door().store.page(where, cursor, limit + 1))
        if not all(self._known.has_id(job.type_id) for job in jobs):
            await self._refresh()
        shown = tuple(summary_of(job, self._known.name_of(job.type_id)) for job in jobs[:limit])
        return JobPage(shown, str(jobs[limit - 1].key) if len(jobs) > limit else None)

    async def _submit_all(self, type_name: str, payloads: Iterable[Any], options: Options) -> JobIds:
        await self._learn(type_name)
        items = [*payloads]
        if len(items) > MAX_ITEMS:
            message = f"a batch has at most {MAX_ITEMS:,} items, not {len(items):,}: send it in chunks"
            raise errors.InvalidOption(message)
        built = [self._built(index, type_name, item, options) for index, item in enumerate(items)]
        if not built:
            return []
        size = sum(len(sent.payload) for _, sent in built)
        if size > MAX_BATCH_BYTES:
            message = f"a batch has at most {MAX_BATCH_BYTES:,} bytes of payload, not {size:,}: send it in chunks"
            raise errors.InvalidOption(message)
        if options.on_duplicate == "raise":
            _distinct([sent.dedupe for _, sent in built])
        whole = c.SubmitAll(tuple(sent for _, sent in built), strict=options.on_duplicate == "raise")
        answers = cast("tuple[Verdict, ...]", await self._door().send(whole))
        if len(answers) < len(built):
            self._accepted(built[0][0], built[0][1], answers[0], options)
        return [
            self._accepted(job_id, sent, answer, options) for (job_id, sent), answer in zip(built, answers, strict=True)
        ]

    def _built(self, index: int, type_name: str, item: Any, options: Options) -> tuple[JobId, c.Submit]:  # noqa: ANN401 - what a caller put into a list
        try:
            if not isinstance(item, Item):
                return self.build(type_name, item, options)
            own = {name: value for name in item.__struct_fields__[1:] if (value := getattr(item, name)) is not None}
            return self.build(type_name, item.payload, msgspec.structs.replace(options, **own))
        except errors.InvalidInput as error:
            error.args = (f"item {index} of the batch: {error} (nothing was submitted)",)
            raise

    def _accepted(self, job_id: JobId, sent: c.Submit, answer: Verdict, options: Options) -> JobId:
        if not isinstance(answer, Refusal) or answer.why is Refused.KNOWN:
            return job_id
        if answer.why is Refused.DUPLICATE and answer.job_id is not None:
            if options.on_duplicate == "raise":
                raise errors.Duplicate(answer.job_id, sent.dedupe or "")
            return JobId(answer.job_id, created=False)
        raise errors.OutcomeUnknown(job_id)

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
        deadline = self._clock.monotonic() + seconds_of(wait, "wait")
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

    async def _learn(self, type_name: str) -> None:
        now = self._clock.monotonic()
        if type_name not in self._known or now - self._learned_at > REFRESH_SECONDS:
            self._learned_at = now
            await self._refresh()


def _distinct(keys: Many) -> None:
    held = [key for key in keys if key is not None]
    twice = next((key for key in held if held.count(key) > 1), None) if len(set(held)) < len(held) else None
    if twice is not None:
        message = f"two items of the batch have the dedupe key {twice!r}: nothing was submitted"
        raise errors.InvalidOption(message)


def _is_batch(payload: object) -> TypeGuard[Many]:
    return isinstance(payload, list)


def _id(job_id: object) -> str:
    """Any text may be asked for; most of it is no job's id, and the answer says so."""
    if not isinstance(job_id, str):
        raise errors.InvalidOption(f"a job's id is a string, not {type(job_id).__name__}")
    try:
        job_id.encode()
    except UnicodeEncodeError as error:
        raise errors.InvalidOption(f"{job_id!r} is no job's id: it has half a surrogate pair") from error
    return str(job_id)


def _status(value: Status | str) -> Status:
    try:
        return Status(value)
    except ValueError:
        message = f"unknown status {value!r}: use one of {', '.join(Status)}"
        raise errors.InvalidOption(message) from None


def _cursor(after: object) -> int | None:
    if after is None:
        return None
    if not isinstance(after, str) or not (after.isascii() and after.isdecimal() and len(after) < _CURSOR_DIGITS):
        message = f"after must be the `next` of an earlier page, not {after!r}"
        raise errors.InvalidOption(message)
    return int(after)
