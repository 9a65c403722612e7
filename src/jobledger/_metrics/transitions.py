"""What each transition counts, found out by asking the rule-book: this table can't be wrong about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from msgspec.structs import replace

from jobledger._core import commands as c
from jobledger._core.catalog import BY_NUMBER, Kind
from jobledger._core.decide import decide, duplicate, submit
from jobledger._core.job import Lane
from jobledger._core.outcome import Cancel, Done, Fail, Failed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobledger._core.decide import Verdict
    from jobledger._core.deltas import Delta
    from jobledger._core.job import Job
    from jobledger._core.outcome import Outcome

_NOW: Final = 1_000_000
_WRITER: Final = 1
_PLAIN: Final = c.Submit("a", 1, b"{}", 2)
_KEYED: Final = replace(_PLAIN, entity="customer:42")
_DELAYED: Final = replace(_PLAIN, delay=_NOW)


class Transition(msgspec.Struct, frozen=True):
    """One row of the table: attributes of the instruments, in the catalog's order.

    Attributes:
        name: what happens.
        counters: instruments that grow by one.
        histograms: instruments that see one time span.
        gauges: instruments and how they move.
    """

    name: str
    counters: tuple[str, ...]
    histograms: tuple[str, ...]
    gauges: tuple[tuple[str, int], ...]


def transitions() -> tuple[Transition, ...]:
    """Every transition, in the order of a job's life."""
    return tuple(_row(name, deltas) for name, deltas in (*_submits(), *_attempts(), *_later()))


def _submits() -> Iterator[tuple[str, tuple[Delta, ...]]]:
    scheduled = submit(_DELAYED, 0, number=1, occupied=False).job
    parked = submit(_KEYED, 0, number=1, occupied=True).job
    yield "Submit, due", _submitted(_PLAIN)
    yield "Submit, due, head of its entity's mailbox", _submitted(_KEYED)
    yield "Submit, due, behind another job of its entity", _submitted(_KEYED, occupied=True)
    yield "Submit, delayed", _submitted(_DELAYED)
    yield "Submit, its dedupe key is held", duplicate(_PLAIN, "b").deltas
    yield "Due", _counted(scheduled, c.Due())
    yield "Due, behind another job of its entity", _counted(replace(scheduled, entity="e"), c.Due(), occupied=True)
    yield "Activate: becomes the head of its mailbox", _counted(parked, c.Activate())
    yield "Start", _counted(_queued(), c.Start(_WRITER))


def _attempts() -> Iterator[tuple[str, tuple[Delta, ...]]]:
    running = _running()
    last, asked = replace(running, failures=9), replace(running, cancel_at=_NOW)
    yield "Settle: done (a completion wins over a cancel)", _settled(asked, Done())
    yield "Settle: failed or timed out, attempts left", _settled(running, Failed("no"))
    yield "Settle: failed or timed out, none left", _settled(last, Failed("no"))
    yield "Settle: failed for good", _settled(running, Fail("no"))
    yield "Settle: failed while a cancel is asked", _settled(asked, Failed("no"))
    yield "Settle: cancelled", _settled(asked, Cancel())
    yield "Lose: the worker died", _counted(running, c.Lose(_WRITER))
    yield "Lose, losses used up", _counted(replace(running, losses=2), c.Lose(_WRITER))
    yield "Lose while a cancel is asked", _counted(asked, c.Lose(_WRITER))
    yield "Release: the worker stops", _counted(running, _release(running))
    yield "Release while a cancel is asked", _counted(asked, _release(running))
    yield "Refused: the attempt no longer owns its job", _counted(replace(running, run=7), _release(running))


def _later() -> Iterator[tuple[str, tuple[Delta, ...]]]:
    dead = _decided(replace(_running(), failures=9), _settle(Failed("no"))).job
    done = _decided(_running(), _settle(Done())).job
    scheduled = submit(_DELAYED, 0, number=1, occupied=False).job
    yield "Cancel, queued and due", _counted(_queued(), c.Cancel("a"))
    yield "Cancel, parked", _counted(replace(_queued(), lane=Lane.PARKED), c.Cancel("a"))
    yield "Cancel, scheduled", _counted(scheduled, c.Cancel("a"))
    yield "Cancel, in processing: a request", _counted(_running(), c.Cancel("a"))
    yield "Replay", _counted(dead, c.Replay("a"))
    yield "Discard", _counted(dead, c.Discard("a"))
    yield "Prune", _counted(done, c.Prune())


def _queued() -> Job:
    return submit(_PLAIN, 0, number=1, occupied=False).job


def _running() -> Job:
    verdict = _decided(_queued(), c.Start(_WRITER))
    assert verdict.job is not None  # noqa: S101 - a queued job can be started
    return verdict.job


def _settle(outcome: Outcome) -> c.Settle:
    return c.Settle("a", 1, 1, _WRITER, outcome, _NOW)


def _release(job: Job) -> c.Release:
    return c.Release("a", 1, job.run, _WRITER)


def _decided(job: Job | None, command: c.JobCommand, *, occupied: bool = False) -> Verdict:
    return decide(job, command, _NOW, number=2, occupied=occupied)


def _submitted(command: c.Submit, *, occupied: bool = False) -> tuple[Delta, ...]:
    return submit(command, 0, number=1, occupied=occupied).deltas


def _settled(job: Job, outcome: Outcome) -> tuple[Delta, ...]:
    return _counted(job, _settle(outcome))


def _counted(job: Job | None, command: c.JobCommand, *, occupied: bool = False) -> tuple[Delta, ...]:
    return _decided(job, command, occupied=occupied).deltas


def _row(name: str, deltas: tuple[Delta, ...]) -> Transition:
    counters: list[str] = []
    histograms: list[str] = []
    gauges: list[tuple[str, int]] = []
    for delta in sorted(deltas):
        instrument = BY_NUMBER[delta.number]
        match instrument.kind:
            case Kind.COUNTER:
                counters.append(instrument.attribute)
            case Kind.HISTOGRAM:
                histograms.append(instrument.attribute)
            case Kind.GAUGE:
                gauges.append((instrument.attribute, delta.amount))
    return Transition(name, tuple(counters), tuple(histograms), tuple(gauges))
