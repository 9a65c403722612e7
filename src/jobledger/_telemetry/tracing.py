"""What is traced: the shape that spans have, and what an App does without them."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Final, Protocol

from jobledger.errors import InvalidOption

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from jobledger._core.job import Event, Job
    from jobledger._telemetry.settings import Telemetry
    from jobledger._types import JobId, Micros


class Sending(Protocol):
    """One call that submits."""

    @property
    def trace(self) -> str | None:
        """What its jobs carry as their trace, unless the caller has given one."""
        ...

    def accepted(self, job_ids: Sequence[JobId], /) -> None:
        """These are the jobs."""
        ...


class Execution(Protocol):
    """One attempt."""

    def current(self) -> AbstractContextManager[object]:
        """Around the handler's code, and what it starts."""
        ...

    def stopped(self) -> None:
        """The code has stopped; what comes of it is not written yet."""
        ...

    def settled(self, event: Event | None, due_at: Micros, raised: str | None, said: str, /) -> None:
        """What came of it is durable.

        Args:
            event: as the job's history keeps it; None if no more is known, since the answer of the store was lost.
            due_at: from when on the job may run again, if it is put back.
            raised: the type of the exception that ended the code.
            said: of the error, what one line can hold.
        """
        ...

    def lost(self, why: str, /) -> None:
        """Nothing came of it: others have the job, or will have it."""
        ...


class Tracing(Protocol):
    """Traces submits and attempts."""

    def sending(self, type_name: str, count: int, entity: str | None = None, /) -> AbstractContextManager[Sending]:
        """Around the call that submits ``count`` jobs of a type."""
        ...

    def child(self, type_name: str, entity: str | None, /) -> AbstractContextManager[Sending]:
        """Around the making of a job that is submitted later, with the completion of another one."""
        ...

    def execution(self, job: Job, type_name: str, /) -> Execution:
        """An attempt that begins now."""
        ...


class _Unseen:
    trace = None

    def accepted(self, *_: object) -> None:
        """Nobody watches."""


class _Unwatched:
    def current(self) -> AbstractContextManager[object]:
        return _HERE

    def stopped(self) -> None:
        """Nobody watches."""

    def settled(self, *_: object) -> None:
        """Nobody watches."""

    def lost(self, *_: object) -> None:
        """Nobody watches."""


_UNSEEN_SENDING: Final[AbstractContextManager[Sending]] = nullcontext(_Unseen())
_HERE: Final = nullcontext()
UNWATCHED: Final[Execution] = _Unwatched()


class Untraced:
    """A :class:`Tracing` of nothing."""

    def sending(self, *_: object) -> AbstractContextManager[Sending]:
        """Nobody watches."""
        return _UNSEEN_SENDING

    child = sending

    def execution(self, *_: object) -> Execution:
        """Nobody watches."""
        return UNWATCHED


def kind_of(error: BaseException) -> str:
    """The type of an error, by the name that it is imported by."""
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def tracing_of(telemetry: Telemetry | None) -> Tracing:
    """What an App traces with.

    Raises:
        InvalidOption: OpenTelemetry is asked for, and not installed.
    """
    if telemetry is None or telemetry.spans == "off":
        return Untraced()
    try:
        from jobledger._telemetry.spans import Spans
    except ModuleNotFoundError as error:
        raise missing(error) from error
    return Spans(telemetry.tracer_provider, linked=telemetry.spans == "link")


def missing(error: ModuleNotFoundError) -> Exception:
    """What to say where a module is missing: of OpenTelemetry it is an extra that is not installed."""
    if not (error.name or "").startswith("opentelemetry"):
        return error
    return InvalidOption("telemetry needs OpenTelemetry: pip install 'jobledger[otel]'")
