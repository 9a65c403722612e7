"""One claimed job, run to its outcome. It settles only when its code has stopped."""

from __future__ import annotations

import asyncio
import contextvars
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from jobledger._core.commands import Release, Settle
from jobledger._core.outcome import Cancel, Done, Fail, Failed, Outcome, Reason, Retry
from jobledger._runtime.context import Context, Signals, Stop
from jobledger._runtime.current import CURRENT
from jobledger._runtime.told import clipped, told
from jobledger._store.codec import encode
from jobledger._store.intake import seconds_of
from jobledger._telemetry.tracing import UNWATCHED, kind_of
from jobledger._types import micros, seconds
from jobledger.errors import AttemptStopped, InvalidOption, InvalidPayload

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from jobledger._clock import Clock
    from jobledger._core.commands import Running
    from jobledger._core.job import Job
    from jobledger._runtime.context import Runtime
    from jobledger._runtime.registry import Registration
    from jobledger._store.contract import Claimed


class Attempt:
    """One execution of one job.

    Args:
        claimed: the job and its payload.
        registration: its handler.
        runtime: what its context needs of the worker.
        clock: for the execution time and the jitter.
        threads: where ``def`` handlers run.

    Attributes:
        context: what the handler sees; signals: the runtime's side of it.
        task: what it runs in, once it runs.
        execution: what it is traced with.
        is_running: its code has not stopped yet.
        raised: the type of the exception that its code ended with.
    """

    __slots__ = (
        "_clock",
        "_payload",
        "_threads",
        "context",
        "execution",
        "is_running",
        "job",
        "raised",
        "registration",
        "signals",
        "task",
    )

    def __init__(
        self, claimed: Claimed, registration: Registration, runtime: Runtime, clock: Clock, threads: Executor
    ) -> None:
        """Not started yet."""
        self.job: Job = claimed.job
        self.registration = registration
        self.signals = Signals()
        self.context = Context(claimed.job, registration, self.signals, runtime)
        self.task: asyncio.Task[object] | None = None
        self._payload = claimed.payload
        self._clock = clock
        self._threads = threads
        self.execution = UNWATCHED
        self.is_running = False
        self.raised: str | None = None

    def stop(self, why: Stop) -> None:
        """Ask the code to stop: a task is cancelled, a thread sees ``ctx.cancelled``."""
        is_new = self.signals.ask_to_stop(why)
        # Each reason once: what is heard again with every batch must not cancel the clean-up too. And a task
        # cancelled before its first step would never run at all, and so never settle.
        if is_new and self.is_running and self.registration.is_async and self.task is not None:
            self.task.cancel()

    async def run(self) -> Running | None:
        """Run the handler and say what came of it; None if this task was ended while a thread still runs the code."""
        began = self._clock.monotonic()
        timer = None
        if self.job.timeout is not None:
            timer = asyncio.get_running_loop().call_later(seconds(self.job.timeout), self.stop, Stop.TIMEOUT)
        self.is_running = True
        CURRENT.set(self.context)
        try:
            arguments = self._arguments()
            if self.registration.is_async:
                answer = await self.registration.function(**arguments)
            else:
                answer = await self._threaded(arguments)
            outcome, result = self._answered(answer)
        except _UnfitError as error:
            outcome, result = Fail(clipped(str(error)), Reason.VALIDATION), None
        except _StillRunningError:
            return None
        except (asyncio.CancelledError, AttemptStopped) as error:
            stopped = self._stopped(error)
            if stopped is None:
                return Release(self.job.id, self.job.key, self.job.run, self._writer())
            outcome, result = stopped, None
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - whatever a handler raises is its failure
            outcome, result = Failed(told(error)), None
            self.raised = kind_of(error)
        finally:
            self.is_running = False
            if timer is not None:
                timer.cancel()
        return self._settle(outcome, result, micros(self._clock.monotonic() - began))

    def _arguments(self) -> dict[str, Any]:
        signature = self.registration.signature
        try:
            arguments = signature.read(self._payload)
        except InvalidPayload as error:
            raise _UnfitError(str(error)) from error
        if signature.context is not None:
            arguments[signature.context] = self.context
        self.context.check()
        return arguments

    async def _threaded(self, arguments: dict[str, Any]) -> Any:  # noqa: ANN401 - a handler may return anything
        context = contextvars.copy_context()
        ended = asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: context.run(self._in_thread, arguments)
        )
        try:
            answer, raised = await ended
        except asyncio.CancelledError:
            raise _StillRunningError from None
        if isinstance(raised, KeyboardInterrupt | GeneratorExit):
            raise _RaisedInThreadError from raised  # raised by the handler; no signal reaches a thread
        if raised is not None:
            raise raised
        return answer

    def _in_thread(self, arguments: dict[str, Any]) -> tuple[Any, BaseException | None]:
        """Errors go as values: a future can carry no StopIteration, and then nobody would hear of it."""
        try:
            return self.registration.function(**arguments), None
        except BaseException as error:  # noqa: BLE001 - raised again by the task
            return None, error

    def _answered(self, answer: object) -> tuple[Outcome, bytes | None]:
        if not isinstance(answer, Struct):
            return self._encoded(answer)
        match answer:
            case Retry(after=after, error=error):
                return _retried(after, clipped(str(error))), None
            case Cancel(error=error):
                return Cancel(None if error is None else clipped(str(error))), None
            case Fail(error=error, reason=reason):
                return Fail(clipped(str(error)), Reason(reason)), None
            case Done(result=result):
                return self._encoded(result)
            case _:
                return self._encoded(answer)

    def _encoded(self, result: object) -> tuple[Outcome, bytes | None]:
        """Its work is done, so a result that can't be kept must not make it run again."""
        try:
            return _DONE, None if result is None else encode(result)
        except Exception as error:  # noqa: BLE001 - a model's own code may raise anything
            return Fail(clipped(f"the work was done, but its result can't be stored: {error}"), Reason.VALIDATION), None

    def _stopped(self, error: BaseException) -> Outcome | None:
        match self.signals.stop:
            case Stop.CANCEL:
                return Cancel()
            case Stop.TIMEOUT:
                limit = seconds(self.job.timeout or 0)
                return Failed(f"stopped after its timeout of {limit:g} s", Reason.TIMEOUT)
            case Stop.RELEASE:
                return None
            case None:
                return Failed(told(error))

    def _settle(self, outcome: Outcome, result: bytes | None, elapsed: int) -> Settle:
        return Settle(
            job_id=self.job.id,
            key=self.job.key,
            run=self.job.run,
            writer_id=self._writer(),
            outcome=outcome,
            elapsed=elapsed,
            result=result,
            late=self.signals.stop is Stop.TIMEOUT,
            retry=self.registration.retry,
            jitter=1.0 if outcome is _DONE else self._clock.sample(),
            children=tuple(self.signals.children),
            metrics=self.context.metrics.drain(),
        )

    def _writer(self) -> int:
        return self.job.writer_id or 0


_DONE: Final = Done()


class _UnfitError(Exception):
    """The payload doesn't fit the handler; raised apart from what the handler itself may raise."""


class _RaisedInThreadError(Exception):
    """A handler in a thread raised what would end a loop."""


class _StillRunningError(Exception):
    """This task was cancelled from outside, but a thread can't be: nothing can be said of its code."""


def _retried(after: float | None, error: str) -> Outcome:
    try:
        return Retry(None if after is None else seconds_of(after, "after"), error)
    except InvalidOption as invalid:
        return Failed(f"{error} (the handler answered Retry, but {invalid})")
