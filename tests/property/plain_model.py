"""What jobs do, in plain Python: no database, no ledger, no rule-book; slow, small and easy to believe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

ALIVE = ("scheduled", "ready", "parked", "processing")
FORGOTTEN = ("complete", "cancelled", "discarded")


@dataclass
class Plain:
    """One job."""

    id: str
    type_id: int
    priority: int
    entity: str | None
    due: int
    max_attempts: int
    max_losses: int
    order: int = 0
    key: str | None = None
    until: int = 0
    state: str = "scheduled"
    holds: bool = False
    failures: int = 0
    losses: int = 0
    run: int = 0
    started: int = 0
    writer: int | None = None
    asked: bool = False
    ended: int = 0


class Model:
    """All jobs, and who has which key."""

    def __init__(self) -> None:
        self.jobs: dict[str, Plain] = {}
        self.keys: dict[tuple[int, str], tuple[str, int]] = {}
        self._drawn = 0

    def draw(self) -> int:
        self._drawn += 1
        return self._drawn

    def those(self, *states: str) -> list[Plain]:
        """The jobs in these states, in their order."""
        return sorted((job for job in self.jobs.values() if job.state in states), key=lambda job: job.order)

    def holder(self, entity: str | None) -> bool:
        return entity is not None and any(job.entity == entity and job.holds for job in self.jobs.values())

    # Entering

    def look(self, now: int) -> None:
        """What is due goes on, by order."""
        for job in self.those("scheduled"):
            if job.due <= now:
                self._queue(job)

    def _queue(self, job: Plain) -> None:
        if not job.holds and self.holder(job.entity):
            job.state = "parked"
        else:
            job.state = "ready"
            job.holds = job.entity is not None

    def key_holder(self, type_id: int, key: str, now: int) -> str | None:
        """The job that a new one with this key would be a duplicate of."""
        job_id, until = self.keys.get((type_id, key), ("", 0))
        job = self.jobs.get(job_id)
        if job is not None and job.state in ALIVE:
            return job_id
        cancelled = job is not None and job.state in {"cancelled", "discarded"}
        return job_id if until > now and not cancelled else None

    def accept(self, job: Plain, now: int) -> str | None:
        """Take a job in; the id of the job in whose way it stands if it isn't taken."""
        if job.key is not None:
            holder = self.key_holder(job.type_id, job.key, now)
            if holder is not None:
                return holder
            self.keys[job.type_id, job.key] = (job.id, job.until)
        job.order = self.draw()
        self.jobs[job.id] = job
        if job.due <= now:
            self._queue(job)
        return None

    # Running

    def start(self, job_id: str, writer: int) -> None:
        job = self.jobs[job_id]
        assert job.state == "ready"
        job.state, job.writer, job.run, job.started = "processing", writer, job.run + 1, self.draw()

    def may_start(self, types: Iterable[int]) -> tuple[list[Plain], list[Plain]]:
        """What is ready: fresh jobs and suspects."""
        ready = [job for job in self.those("ready") if job.type_id in set(types)]
        return [job for job in ready if not job.losses], [job for job in ready if job.losses]

    def done(self, job: Plain, now: int) -> None:
        self._end(job, "complete", now)

    def cancelled(self, job: Plain, now: int) -> None:
        self._end(job, "cancelled", now)

    def failed(self, job: Plain, now: int, due: int, *, final: bool, block: bool) -> None:
        job.failures += 1
        if job.asked:
            self._end(job, "cancelled", now)
        elif final or job.failures >= job.max_attempts:
            self._end(job, "failed", now)
        else:
            held = job.holds
            job.state, job.writer, job.due = "scheduled", None, due
            job.holds = job.entity is not None and block
            self._freed(job, held=held)

    def released(self, job: Plain, now: int) -> None:
        if job.asked:
            self._end(job, "cancelled", now)
        else:
            job.state, job.writer = "ready", None

    def lost(self, job: Plain, now: int) -> None:
        job.losses += 1
        if job.asked:
            self._end(job, "cancelled", now)
        elif job.losses >= job.max_losses:
            self._end(job, "failed", now)
        else:
            job.state, job.writer = "ready", None

    # Asking

    def cancel(self, job: Plain, now: int) -> bool:
        if job.state not in ALIVE:
            return False
        if job.state == "processing":
            job.asked = True
        else:
            self._end(job, "cancelled", now)
        return True

    def replay(self, job: Plain, now: int) -> bool:
        if job.state != "failed":
            return False
        job.order, job.due, job.failures, job.losses = self.draw(), now, 0, 0
        self._queue(job)
        if job.key is not None:
            holder = self.key_holder(job.type_id, job.key, now)
            if holder is None:
                self.keys[job.type_id, job.key] = (job.id, job.until)
        return True

    def discard(self, job: Plain, now: int) -> bool:
        if job.state != "failed":
            return False
        job.state, job.ended = "discarded", now
        return True

    def prune(self, now: int, retention: int) -> int:
        gone = [job for job in self.those(*FORGOTTEN) if job.ended <= now - retention]
        for job in gone:
            key = (job.type_id, job.key or "")
            if self.keys.get(key, ("", 0))[0] == job.id and self.key_holder(*key, now) is None:
                del self.keys[key]
            del self.jobs[job.id]
        return len(gone)

    def _end(self, job: Plain, state: str, now: int) -> None:
        held, job.holds = job.holds, False
        job.state, job.ended, job.writer = state, now, None
        self._freed(job, held=held)

    def _freed(self, job: Plain, *, held: bool) -> None:
        if held and not job.holds:
            waiting = [other for other in self.those("parked") if other.entity == job.entity]
            if waiting:
                waiting[0].state, waiting[0].holds = "ready", True
