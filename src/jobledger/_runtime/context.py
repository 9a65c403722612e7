"""What a handler sees of its job."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Final, Protocol, Unpack

from jobledger._core.priority import Priority
from jobledger._core.tally import UserMetrics
from jobledger._store.intake import SubmitOptions
from jobledger.errors import AttemptCancelled, AttemptStopped, AttemptTimedOut

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractAsyncContextManager

    import asyncpg

    from jobledger._core.commands import Submit
    from jobledger._core.help_texts import HelpTexts
    from jobledger._core.job import Job
    from jobledger._runtime.joined import Joined
    from jobledger._runtime.registry import Registration
    from jobledger._types import JobId


class Stop(IntEnum):
    """Why an attempt was asked to stop; the lowest that was asked counts."""

    CANCEL = 1
    TIMEOUT = 2
    RELEASE = 3


class Signals:
    """The runtime's side of a context: what the attempt is told, and what it leaves behind.

    Attributes:
        stop: why the attempt should end, if it should.
        children: to be submitted with the completion.
        joined: its transaction, once the handler has asked for one.
    """

    __slots__ = ("_asked", "children", "joined", "stop")

    def __init__(self) -> None:
        self.stop: Stop | None = None
        self.children: list[Submit] = []
        self.joined: Joined | None = None
        self._asked: frozenset[Stop] = _NOTHING

    def ask_to_stop(self, why: Stop) -> bool:
        """Note a reason, and say whether it is a new one; of several the weightiest counts."""
        known = why in self._asked
        self._asked |= {why}
        self.stop = min(self._asked)
        return not known


_NOTHING: Final = frozenset[Stop]()


class Runtime(Protocol):
    """What contexts need of the worker around them."""

    help_texts: HelpTexts

    def report(self, job: Job, percent: float, message: str) -> None:
        """A running attempt says how far it is."""
        ...

    def child(self, type_name: str, payload: Mapping[str, object], options: SubmitOptions) -> tuple[JobId, Submit]:
        """A job to be submitted with the completion of another one."""
        ...

    def joined(self, *, is_async: bool) -> Joined:
        """The transaction of an attempt, not begun."""
        ...


class Context:
    """The job of the running attempt, and what can be said about it.

    The parameter annotated ``Context`` gets it, wherever it stands.

    Attributes:
        metrics: counters and histograms of your own, committed with the job's completion and dropped without it.

    Example:
        >>> async def send(ctx: Context, *, to: str) -> None:
        ...     ctx.progress(50, "rendered")
        ...     ctx.metrics.counter("emails_sent_total", "E-mails that were handed over.", template="welcome").inc()
    """

    __slots__ = ("_job", "_registration", "_runtime", "_signals", "metrics")

    def __init__(self, job: Job, registration: Registration, signals: Signals, runtime: Runtime) -> None:
        """Made by the runtime."""
        self.metrics = UserMetrics(runtime.help_texts)
        self._job = job
        self._registration = registration
        self._signals = signals
        self._runtime = runtime

    @property
    def job_id(self) -> str:
        """The job's id."""
        return self._job.id

    @property
    def type(self) -> str:
        """Its type."""
        return self._registration.name

    @property
    def entity(self) -> str | None:
        """Its entity, if it has one."""
        return self._job.entity

    @property
    def priority(self) -> Priority:
        """Its priority."""
        return Priority(self._job.priority)

    @property
    def attempt(self) -> int:
        """1 for the first attempt of this life."""
        return self._job.attempt

    @property
    def fence(self) -> int:
        """A store-wide number that grows along an entity; pass it on to systems that can refuse an older one."""
        return self._job.fence

    @property
    def trace(self) -> str | None:
        """The W3C ``traceparent`` that came with the submit."""
        return self._job.trace

    @property
    def cancelled(self) -> bool:
        """Whether this attempt should end now: cancelled, out of time, or its worker is stopping."""
        return self._signals.stop is not None

    def check(self) -> None:
        """Raise if this attempt should end now; call it between steps of long work.

        Raises:
            AttemptCancelled: the job was cancelled.
            AttemptTimedOut: the attempt ran longer than its timeout.
            AttemptStopped: the worker is stopping.
        """
        match self._signals.stop:
            case None:
                return
            case Stop.CANCEL:
                message = f"job {self.job_id} was cancelled"
                raise AttemptCancelled(message)
            case Stop.TIMEOUT:
                message = f"job {self.job_id} ran longer than its timeout"
                raise AttemptTimedOut(message)
            case Stop.RELEASE:
                message = f"the worker of job {self.job_id} is stopping"
                raise AttemptStopped(message)

    def progress(self, percent: float, message: str = "") -> None:
        """Say how far the work is. Never waits; the latest word wins, and is committed with the next batch.

        Args:
            percent: 0 to 100.
            message: your own words, at most 1,024 characters.
        """
        self._runtime.report(self._job, percent, message)

    def submit(
        self, type_name: str, payload: Mapping[str, object] | None = None, /, **options: Unpack[SubmitOptions]
    ) -> JobId:
        """Submit a child that is committed with this job's completion, and not at all without it.

        Args:
            type_name: the child's type.
            payload: a JSON object.
            **options: as for ``app.jobs.submit``.

        Returns:
            The child's id. Whether a dedupe key was held is known only at the commit.

        Raises:
            InvalidInput: the child could not be submitted; nothing is kept of it.
        """
        job_id, command = self._runtime.child(type_name, payload or {}, options)
        self._signals.children.append(command)
        return job_id

    def transaction(self) -> AbstractAsyncContextManager[asyncpg.Connection[asyncpg.Record]]:
        """A transaction that commits together with this job's completion, or not at all (PostgreSQL).

        What the handler writes through the connection happens exactly once: it is committed when the handler has
        returned and the job is complete, in one commit. If the attempt fails, is cancelled, stops, or its worker dies,
        all of it is rolled back. Leaving the block commits nothing; an error that leaves it undoes it at once.

        The transaction is open until the handler returns, so keep what comes after the block short. An attempt has one,
        at READ COMMITTED; ``connection.transaction()`` inside is a savepoint. For ``async def`` handlers.

        Returns:
            A context manager that gives an asyncpg connection.

        Raises:
            NoTransaction: on entering, where there can be none: another store, a ``def`` handler, a second block.
            StoreError: on entering: the database can't be used.

        Example:
            >>> async def pay(ctx: Context, *, account: int, amount: int) -> None:
            ...     async with ctx.transaction() as connection:
            ...         await connection.execute("UPDATE account SET paid = paid + $2 WHERE id = $1", account, amount)
        """
        if self._signals.joined is None:
            self._signals.joined = self._runtime.joined(is_async=self._registration.is_async)
        return self._signals.joined.open()
