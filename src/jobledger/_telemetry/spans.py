"""Spans through OpenTelemetry's API: where they go, and whether there are any, is a matter of the program's own SDK.

Source of names and kinds: opentelemetry.io/docs/specs/semconv/messaging/messaging-spans. A job's type is the
destination, the job's id is the message's. What the conventions have no name for begins with ``jobledger``.
"""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, NonRecordingSpan, SpanKind, StatusCode, use_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from jobledger._core.job import EventName
from jobledger._core.priority import Priority
from jobledger._telemetry.tracing import kind_of
from jobledger._types import SECOND
from jobledger._version import own_version

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from contextlib import AbstractContextManager

    from opentelemetry.trace import Span, SpanContext, TracerProvider
    from opentelemetry.util.types import AttributeValue

    from jobledger._core.job import Event, Job
    from jobledger._types import JobId, Micros

log = logging.getLogger("jobledger.telemetry")
SYSTEM: Final = "jobledger"
_PROPAGATOR: Final = TraceContextTextMapPropagator()
_FAILURES: Final = frozenset({EventName.RETRIED, EventName.DEAD_LETTERED})
_LOST: Final = "a span is lost, and no job: this program's own set-up of OpenTelemetry has failed"
_UNKNOWN_ERROR: Final = "_OTHER"
"""What the conventions say for an error without a type."""


class Spans:
    """A :class:`~jobledger._telemetry.tracing.Tracing`: PRODUCER spans for submits, a CONSUMER span for each attempt.

    Args:
        provider: makes the tracer; None: the global one, also one that is set later.
        linked: an attempt begins a trace of its own, linked to the submit; else it belongs to the submit's trace.
    """

    def __init__(self, provider: TracerProvider | None, *, linked: bool) -> None:
        """Nothing is traced yet."""
        self._tracer = trace.get_tracer(SYSTEM, own_version(), provider)
        self._linked = linked

    @contextmanager
    def sending(self, type_name: str, count: int, entity: str | None = None) -> Generator[ProducerSpan]:
        """See :class:`Tracing`. A batch is one span: thousands of them would cost more than the batch itself."""
        several: dict[str, AttributeValue] = {"messaging.batch.message_count": count} if count != 1 else {}
        with self._producing("submit", "send", type_name, entity, several) as sending:
            yield sending

    @contextmanager
    def child(self, type_name: str, entity: str | None) -> Generator[ProducerSpan]:
        """See :class:`Tracing`. It is created here; what sends it is the commit of its parent's completion."""
        with self._producing("create", "create", type_name, entity, {}) as sending:
            yield sending

    @contextmanager
    def _producing(
        self, name: str, kind: str, type_name: str, entity: str | None, more: dict[str, AttributeValue]
    ) -> Generator[ProducerSpan]:
        attributes = _attributes(name, kind, type_name, entity) | more
        span = self._started(f"{name} {type_name}", None, SpanKind.PRODUCER, attributes)
        sending = ProducerSpan(span, is_one=not more)
        with use_span(span, record_exception=False, set_status_on_exception=False):
            try:
                yield sending
            except BaseException as error:
                sending.failed(error)
                raise
        sending.end()

    def execution(self, job: Job, type_name: str) -> ConsumerSpan:
        """See :class:`Tracing`."""
        attributes = _attributes("process", "process", type_name, job.entity) | {
            "messaging.message.id": job.id,
            "jobledger.job.attempt": job.attempt,
            "jobledger.job.priority": Priority(job.priority).label,
            "jobledger.job.run": job.run,
        }
        if job.losses:
            attributes["jobledger.job.losses"] = job.losses
        submit = _context_of(job.trace)
        links = [Link(submit)] if submit is not None and self._linked else []
        parent = Context() if submit is None or self._linked else trace.set_span_in_context(NonRecordingSpan(submit))
        return ConsumerSpan(self._started(f"process {type_name}", parent, SpanKind.CONSUMER, attributes, links))

    def _started(
        self,
        name: str,
        parent: Context | None,
        kind: SpanKind,
        attributes: dict[str, AttributeValue],
        links: Sequence[Link] = (),
    ) -> Span:
        try:
            return self._tracer.start_span(name, parent, kind, attributes, links)
        except Exception:
            log.exception(_LOST)
            return trace.INVALID_SPAN


class ProducerSpan:
    """A :class:`~jobledger._telemetry.tracing.Sending`: the span of a submit."""

    def __init__(self, span: Span, *, is_one: bool) -> None:
        """Its own context is what the jobs carry."""
        carrier: dict[str, str] = {}
        _PROPAGATOR.inject(carrier, trace.set_span_in_context(span, Context()))
        self.trace = carrier.get("traceparent")
        self._span = span
        self._is_one = is_one

    def accepted(self, job_ids: Sequence[JobId]) -> None:
        """See :class:`Sending`."""
        if self._is_one:
            self._span.set_attribute("messaging.message.id", str(job_ids[0]))
        held = sum(not job_id.created for job_id in job_ids)
        if held:
            self._span.set_attribute("jobledger.deduplicated", held)

    def failed(self, error: BaseException) -> None:
        """Nothing was submitted, or it is not known. What the error says may be of the payload, so it isn't told."""
        _fail(self._span, kind_of(error), "")
        self.end()

    def end(self) -> None:
        """The call is over."""
        _end(self._span)


class ConsumerSpan:
    """An :class:`~jobledger._telemetry.tracing.Execution`: the span of an attempt.

    It lasts as long as the code ran, and it is told what came of that when it is durable.
    """

    def __init__(self, span: Span) -> None:
        """It has begun."""
        self._span = span
        self._stopped: int | None = None

    def current(self) -> AbstractContextManager[object]:
        """See :class:`Execution`."""
        return use_span(self._span, record_exception=False, set_status_on_exception=False)

    def stopped(self) -> None:
        """See :class:`Execution`."""
        self._stopped = time.time_ns()

    def settled(self, event: Event | None, due_at: Micros, raised: str | None, said: str) -> None:
        """See :class:`Execution`."""
        if event is not None:
            self._tell(event, due_at, raised, said)
        _end(self._span, self._stopped)

    def _tell(self, event: Event, due_at: Micros, raised: str | None, said: str) -> None:
        self._span.set_attribute("jobledger.job.outcome", str(event.name))
        if event.name in _FAILURES:
            _fail(self._span, raised or str(event.reason or _UNKNOWN_ERROR), said)
        if event.name is not EventName.COMPLETED:
            told: dict[str, AttributeValue] = {}
            if event.reason is not None:
                told["jobledger.reason"] = str(event.reason)
            if event.name is EventName.RETRIED:
                told["jobledger.retry.delay"] = max(due_at - event.at, 0) / SECOND
                told["jobledger.retry.at"] = datetime.fromtimestamp(due_at / SECOND, UTC).isoformat()
            self._span.add_event(str(event.name), told, self._stopped)

    def lost(self, why: str) -> None:
        """See :class:`Execution`."""
        self._span.set_attribute("jobledger.job.outcome", str(EventName.LOST))
        _fail(self._span, str(EventName.LOST), why)
        self._span.add_event(str(EventName.LOST), None, self._stopped)
        _end(self._span, self._stopped)


def _end(span: Span, at: int | None = None) -> None:
    try:
        span.end(at)
    except Exception:
        log.exception(_LOST)


def _attributes(name: str, kind: str, type_name: str, entity: str | None) -> dict[str, AttributeValue]:
    attributes: dict[str, AttributeValue] = {
        "messaging.system": SYSTEM,
        "messaging.operation.name": name,
        "messaging.operation.type": kind,
        "messaging.destination.name": type_name,
    }
    if entity is not None:
        attributes["jobledger.job.entity"] = entity
    return attributes


def _fail(span: Span, kind: str, said: str) -> None:
    span.set_attribute("error.type", kind)
    span.set_status(StatusCode.ERROR, said or kind)


def _context_of(traceparent: str | None) -> SpanContext | None:
    """What a job carries, if it is a trace's context at all: any text may stand there."""
    if traceparent is None:
        return None
    found = trace.get_current_span(_PROPAGATOR.extract({"traceparent": traceparent}, Context())).get_span_context()
    return found if found.is_valid else None
