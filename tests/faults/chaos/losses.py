"""Whom each signal hit, and that nothing was lost without one."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

import msgspec

from jobledger._core.job import EventName
from jobledger._types import micros
from tests.faults.chaos.finding import Finding
from tests.faults.chaos.lines import Enlisted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.chaos.attempts import Attempt, Attempts
    from tests.faults.chaos.lines import Seen, Signalled

UNHIT = "no attempt is lost but after a kill of its worker, or a stop as long as its lease"
WRONG = "the books and the handlers' own lines agree on every attempt"


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
        signals: whom a signal hit.
        lease: of the workers, seconds.

    Attributes:
        hits: one per signal to a worker.
        twice: jobs whose handlers ran to the end more than once, with how many executions the books call lost.
        dead: jobs that were dead-lettered because they were lost too often.
    """

    def __init__(self, attempts: Attempts, seen: list[Seen], signals: list[Signalled], lease: float) -> None:
        self._attempts = attempts
        self._pids = {line.writer: line.pid for line in seen if isinstance(line, Enlisted)}
        self._signals = signals
        self._lease = micros(lease)
        self.lost = [one for one in attempts.all if one.was_lost]
        self.hits = self._hits()
        done = Counter(one.job.id for one in attempts.all if one.ended is not None and one.ended.outcome == "done")
        self.twice = sorted(job_id for job_id, times in done.items() if times > 1)
        self.dead = sum(one.outcome is not None and one.outcome.name is EventName.DEAD_LETTERED for one in self.lost)

    def findings(self) -> Iterator[Finding]:
        """Losses that nobody caused, and attempts of which books and handlers say different things."""
        for one in self.lost:
            if not any(self._explains(signal, one) for signal in self._signals):
                yield Finding(UNHIT, f"{one}, by writer {one.began.writer_id}")
        for one in self._attempts.all:
            if one.wrong is not None:
                yield Finding(WRONG, f"{one}: {one.wrong}")
        for line in self._attempts.unbooked:
            yield Finding(WRONG, f"{line.type} {line.job} run {line.run} was started, but not in the books")
        for what in self._attempts.doubled:
            yield Finding(WRONG, what)

    def _explains(self, signal: Signalled, lost: Attempt) -> bool:
        """A worker beats four times in its lease: its last beat may be a quarter older than the stop."""
        if lost.outcome is None or signal.pid != self._pids.get(lost.began.writer_id or 0):
            return False
        return lost.outcome.at >= signal.wall + (self._lease * 7 // 10 if signal.signal == "stop" else 0)

    def _hits(self) -> list[Hit]:
        by_signal: dict[int, list[Attempt]] = defaultdict(list)
        for one in self.lost:
            by_signal[self._signal_of(one)].append(one)
        return [_hit(signal, by_signal[place]) for place, signal in enumerate(self._signals) if signal.role == "worker"]

    def _signal_of(self, attempt: Attempt) -> int:
        """The first one to its process after its start; of an attempt that never began, the last one."""
        pid = self._pids.get(attempt.began.writer_id or 0)
        places = [place for place, signal in enumerate(self._signals) if signal.pid == pid]
        if attempt.started is None:
            return max(places, default=-1)
        return next((place for place in places if self._signals[place].until >= attempt.started.at), -1)


def _hit(signal: Signalled, lost: list[Attempt]) -> Hit:
    zombies = sum(one.ended is not None and one.ended.at > signal.until for one in lost)
    return Hit(
        signal,
        running=sum(one.was_running for one in lost) + zombies,
        unsettled=sum(one.was_unsettled for one in lost) - zombies,
        claimed=sum(one.had_not_begun for one in lost),
        zombies=zombies,
    )
