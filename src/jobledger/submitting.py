"""How jobs are submitted: by a commit of their own, or in a transaction of the caller's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard, Unpack, cast, overload

from msgspec.structs import replace

from jobledger import errors
from jobledger._config import REFRESH_SECONDS
from jobledger._core import commands as c
from jobledger._core.decide import Refusal, Refused, Verdict
from jobledger._store.building import Builder, Built
from jobledger._store.intake import Options, SubmitOptions, type_of
from jobledger._store.postgres.callers import Answers, Caller, wanted
from jobledger._types import JobId

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from jobledger._clock import Clock
    from jobledger._store.commit import Door
    from jobledger._store.known import KnownTypes
    from jobledger._telemetry.tracing import Tracing

JobIds: TypeAlias = list[JobId]
Many: TypeAlias = list[Any]


class Submitting:
    """The part of the JobService that accepts jobs.

    Args:
        door: where commands go.
        clock: makes ids.
        known: the types.
        refresh: learns the store's types again.
        check: checks a payload against its handler, where that is known.
        schema: the schema that a caller's own connection finds this store in; raises where there can be none.
        tracing: what it is traced with.
    """

    def __init__(
        self,
        door: Callable[[], Door],
        clock: Clock,
        known: KnownTypes,
        *,
        refresh: Callable[[], Awaitable[None]],
        check: Callable[[str, bytes], None],
        schema: Callable[[], str],
        tracing: Tracing,
    ) -> None:
        """Made by the App."""
        self._door = door
        self._tracing = tracing
        self._clock = clock
        self._known = known
        self._refresh = refresh
        self._schema = schema
        self._builder = Builder(clock, known, check)
        self._learned_at = clock.monotonic()

    @overload
    async def submit(
        self,
        type_name: str,
        payload: Mapping[str, object] | None = None,
        /,
        *,
        connection: object = None,
        **options: Unpack[SubmitOptions],
    ) -> JobId: ...

    @overload
    async def submit(
        self, type_name: str, payload: Many, /, *, connection: object = None, **options: Unpack[SubmitOptions]
    ) -> JobIds: ...

    async def submit(
        self,
        type_name: str,
        payload: Mapping[str, object] | Many | None = None,
        /,
        *,
        connection: object = None,
        **options: Unpack[SubmitOptions],
    ) -> JobId | JobIds:
        """Accept a job, or a batch of jobs; when this returns, it is as durable as the database.

        Args:
            type_name: the name a handler is registered under.
            payload: a JSON object; a *list* of objects or :class:`Item` is a batch: all or nothing.
            connection: submit in the open transaction of this connection to the store's database (PostgreSQL): asyncpg,
                psycopg's AsyncConnection, or SQLAlchemy's AsyncSession or AsyncConnection. Then the job is there when
                that transaction has committed, and never was if it is rolled back.
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
            return await self._submit_all(type_name, payload, chosen, connection)
        one = cast("Mapping[str, object]", {} if payload is None else payload)
        return await self.submit_one(type_name, one, chosen, connection)

    async def submit_one(
        self, type_name: str, payload: Mapping[str, object], options: Options, connection: object = None
    ) -> JobId:
        """Submit one job with its options as one value; see :meth:`submit`."""
        caller = self._caller(connection)
        await self._learn(type_name)
        made = self._builder.one(type_name, payload, options)
        with self._tracing.sending(type_name, 1, made.sent.entity) as sending:
            built = _carrying([made], sending.trace)
            if caller is not None:
                ids = self._told(built, await caller.submit_async(wanted(type_name, built), strict=False), options)
            else:
                answer = cast("Verdict", await self._door().send(built[0].sent))
                ids = [self._accepted(built[0], answer, options)]
            sending.accepted(ids)
        return ids[0]

    @overload
    def submit_on(
        self,
        connection: object,
        type_name: str,
        payload: Mapping[str, object] | None = None,
        /,
        **options: Unpack[SubmitOptions],
    ) -> JobId: ...

    @overload
    def submit_on(
        self, connection: object, type_name: str, payload: Many, /, **options: Unpack[SubmitOptions]
    ) -> JobIds: ...

    def submit_on(
        self,
        connection: object,
        type_name: str,
        payload: Mapping[str, object] | Many | None = None,
        /,
        **options: Unpack[SubmitOptions],
    ) -> JobId | JobIds:
        """Submit in the open transaction of a synchronous connection; the App need not be open for it.

        Args:
            connection: to the store's database (PostgreSQL): psycopg 3's Connection, or SQLAlchemy's Session or
                Connection. The job is there when its transaction has committed, and never was if it is rolled back.
            type_name: as for :meth:`submit`, like all that follows.
            payload: a JSON object, or a list of them.
            **options: see :class:`SubmitOptions`.

        Returns:
            The job's id, or the ids in the order of the batch.

        Raises:
            UnknownType, InvalidPayload, InvalidOption: nothing was submitted.
            Duplicate: the key is held and ``on_duplicate`` is "raise".

        Example:
            >>> with Session(engine) as session, session.begin():  # doctest: +SKIP
            ...     session.add(order)
            ...     app.jobs.submit_on(session, "order.ship", {"order": 7})
        """
        caller = Caller(connection, self._schema(), wait=False)
        chosen = Options.of(options)
        if _is_batch(payload):
            several = self._builder.many(type_name, payload, chosen, strange=True)
            return self._submit_on(caller, type_name, several, chosen, strict=chosen.on_duplicate == "raise")
        one = cast("Mapping[str, object] | None", payload)
        built = [self._builder.one(type_name, one, chosen, strange=True)]
        return self._submit_on(caller, type_name, built, chosen, strict=False)[0]

    def _submit_on(
        self, caller: Caller, type_name: str, made: list[Built], options: Options, *, strict: bool
    ) -> JobIds:
        with self._tracing.sending(type_name, len(made), _entity_of(made)) as sending:
            built = _carrying(made, sending.trace)
            ids = self._told(built, caller.submit(wanted(type_name, built), strict=strict), options)
            sending.accepted(ids)
        return ids

    def build(self, type_name: str, payload: Mapping[str, object], options: Options) -> tuple[JobId, c.Submit]:
        """A checked command and its id, without sending it.

        Raises:
            UnknownType, InvalidPayload, InvalidOption: it could not be sent.
        """
        built = self._builder.one(type_name, payload, options)
        with self._tracing.child(type_name, built.sent.entity) as sending:
            sending.accepted([built.job_id])
            return built.job_id, _carrying([built], sending.trace)[0].sent

    def _caller(self, connection: object) -> Caller | None:
        return None if connection is None else Caller(connection, self._schema(), wait=True)

    async def _submit_all(
        self, type_name: str, payloads: Iterable[Any], options: Options, connection: object
    ) -> JobIds:
        caller = self._caller(connection)
        await self._learn(type_name)
        made = self._builder.many(type_name, payloads, options)
        strict = options.on_duplicate == "raise"
        if not made:
            return []
        with self._tracing.sending(type_name, len(made), _entity_of(made)) as sending:
            built = _carrying(made, sending.trace)
            if caller is not None:
                ids = self._told(built, await caller.submit_async(wanted(type_name, built), strict=strict), options)
            else:
                ids = await self._send_all(built, options, strict=strict)
            sending.accepted(ids)
        return ids

    async def _send_all(self, built: list[Built], options: Options, *, strict: bool) -> JobIds:
        whole = c.SubmitAll(tuple(one.sent for one in built), strict=strict)
        answers = cast("tuple[Verdict, ...]", await self._door().send(whole))
        if len(answers) < len(built):
            self._accepted(built[0], answers[0], options)
        return [self._accepted(one, answer, options) for one, answer in zip(built, answers, strict=True)]

    def _accepted(self, built: Built, answer: Verdict, options: Options) -> JobId:
        if not isinstance(answer, Refusal) or answer.why is Refused.KNOWN:
            return built.job_id
        if answer.why is Refused.DUPLICATE and answer.job_id is not None:
            return _duplicate(built, answer.job_id, options)
        raise errors.OutcomeUnknown(built.job_id)

    def _told(self, built: Sequence[Built], answers: Answers, options: Options) -> JobIds:
        """What a caller's own transaction came to; nothing of it is committed yet."""
        sent = {str(one.job_id): one for one in built}
        return [
            sent[job_id].job_id if holder is None else _duplicate(sent[job_id], holder, options)
            for job_id, holder in answers
        ]

    async def _learn(self, type_name: str) -> None:
        now = self._clock.monotonic()
        if type_of(type_name) not in self._known or now - self._learned_at > REFRESH_SECONDS:
            self._learned_at = now
            await self._refresh()


def _is_batch(payload: object) -> TypeGuard[Many]:
    return isinstance(payload, list)


def _entity_of(built: list[Built]) -> str | None:
    """Of a batch there may be many."""
    return built[0].sent.entity if len(built) == 1 else None


def _carrying(built: list[Built], trace: str | None) -> list[Built]:
    """With this trace, where the caller has given none."""
    if trace is None:
        return built
    return [one if one.sent.trace is not None else replace(one, sent=replace(one.sent, trace=trace)) for one in built]


def _duplicate(built: Built, holder: str, options: Options) -> JobId:
    if options.on_duplicate == "raise":
        raise errors.Duplicate(holder, built.sent.dedupe or "")
    return JobId(holder, created=False)
