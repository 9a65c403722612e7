"""What cost each worker its jobs, and that nothing was lost without a cause."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final

import msgspec

from jobledger._core.job import EventName, Status
from jobledger._runtime.liveness import RENEWALS
from tests.faults.chaos.finding import Finding
from tests.faults.chaos.lines import Enlisted
from tests.faults.chaos.plan import POISON

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.chaos.attempts import Attempt, Attempts
    from tests.faults.chaos.lines import Seen, Signalled

UNHIT = "no attempt is lost but after a kill of its worker, or a silence as long as its lease"
WRONG = "the books and the handlers' own lines agree on every attempt"
BURIED = "no job is buried for its losses, but one that kills its workers; and that is"
EXPLAINS: Final = {"kill": 0.0, "poison": 0.0, "cut": 0.0, "stop": 0.7, "stall": 0.7, "restart": 0.7, "full": 0.7}
"""What can cost a worker its jobs, and for how much of its lease it must have lasted: others may have seen its last
beat a quarter of a lease before. A connection that is cut is a sign of death at once."""


class Hit(msgspec.Struct, frozen=True):
    """What one signal did.

    Attributes:
        running: attempts whose handlers ran; ``unsettled``: ended, but not yet settled; ``claimed``: not yet begun.
        zombies: of the running ones, those whose handlers ran on when their process did, and were refused.
    """

    signal: Signalled
    running: int
    unsettled: int
    claimed: int
    zombies: int

    @property
    def attempts(self) -> int:
        """All that were lost by it."""
        return self.running + self.unsettled + self.claimed


class Losses:
    """Joins the lost attempts with the signals.

    Args:
        attempts: all of them.
        seen: what the workers wrote down.
        signals: what went wrong, and whom it hit.
        lease: of the workers, seconds.

    Attributes:
        hits: one per signal to a worker that may cost it jobs.
        twice: jobs whose handlers ran to the end more than once, with what cost them the earlier executions.
        dead: jobs that were dead-lettered because they were lost too often, by type.
    """

    def __init__(self, attempts: Attempts, seen: list[Seen], signals: list[Signalled], lease: float) -> None:
        self._attempts = attempts
        self._pids = {line.writer: line.pid for line in seen if isinstance(line, Enlisted)}
        self._signals = [one for one in signals if one.role == "worker" and one.signal in EXPLAINS]
        self._lease = round(lease * 1e9)
        self._started = {(one.job.id, one.began.run): one.started for one in attempts.all}
        self.lost = [one for one in attempts.all if one.was_lost]
        self._causes = {id(one): self._cause(one) for one in self.lost}
        self.hits = self._hits()
        self.twice = self._twice()
        self.dead = Counter(
            one.type for one in self.lost if one.outcome is not None and one.outcome.name is EventName.DEAD_LETTERED
        )

    def findings(self) -> Iterator[Finding]:
        """Losses that nobody caused, and attempts of which books and handlers say different things."""
        for one in self.lost:
            if self._causes[id(one)] is None:
                yield Finding(UNHIT, f"{one}, by writer {one.began.writer_id}")
            elif one.outcome is not None and one.outcome.name is EventName.DEAD_LETTERED and one.type != POISON:
                yield Finding(BURIED, str(one))
        for one in self._attempts.all:
            if one.wrong is not None:
                yield Finding(WRONG, f"{one}: {one.wrong}")
            if one.type == POISON and one.job.status not in {Status.FAILED, Status.DISCARDED}:
                yield Finding(BURIED, f"{one} is {one.job.status}")
        for line in self._attempts.unbooked:
            yield Finding(WRONG, f"{line.type} {line.job} run {line.run} was started, but not in the books")
        for what in self._attempts.doubled:
            yield Finding(WRONG, what)

    def _cause(self, lost: Attempt) -> Signalled | None:
        """The first one to its process that was not over when it began; of an attempt that never began, the last.

        What was claimed before a process was stopped may begin when it goes on, until it notices: at its next renewal.
        """
        causes = [signal for signal in self._signals if self._explains(signal, lost)]
        if lost.started is None:
            return causes[-1] if causes else None
        late = self._lease // RENEWALS
        return next((signal for signal in causes if signal.until + late >= lost.started.at), None)

    def _explains(self, signal: Signalled, lost: Attempt) -> bool:
        """It is known when the job was started elsewhere, by the clock that all processes share."""
        if signal.pid != self._pids.get(lost.began.writer_id or 0):
            return False
        silence = round(EXPLAINS[signal.signal] * self._lease)
        again = self._started.get((lost.job.id, lost.began.run + 1))
        return signal.until - signal.at >= silence and (again is None or again.at >= signal.at + silence)

    def _hits(self) -> list[Hit]:
        by_signal: dict[int, list[Attempt]] = defaultdict(list)
        for one in self.lost:
            by_signal[id(self._causes[id(one)])].append(one)
        return [_hit(signal, by_signal[id(signal)]) for signal in self._signals]

    def _twice(self) -> dict[str, tuple[str, ...]]:
        done: dict[str, list[Attempt]] = defaultdict(list)
        for one in self._attempts.all:
            if one.ended is not None and one.ended.outcome == "done":
                done[one.job.id].append(one)
        return {
            job_id: tuple(self._why(one) for one in attempts if one.was_lost)
            for job_id, attempts in sorted(done.items())
            if len(attempts) > 1
        }

    def _why(self, lost: Attempt) -> str:
        cause = self._causes[id(lost)]
        return cause.signal if cause is not None else "nothing"


def _hit(signal: Signalled, lost: list[Attempt]) -> Hit:
    zombies = sum(one.ended is not None and one.ended.at > signal.until for one in lost)
    return Hit(
        signal,
        running=sum(one.was_running for one in lost) + zombies,
        unsettled=sum(one.was_unsettled for one in lost) - zombies,
        claimed=sum(one.had_not_begun for one in lost),
        zombies=zombies,
    )
