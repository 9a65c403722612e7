"""What is written down outside the store, as it happens: answers, executions, writers. The check believes only this."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jobledger.errors import StoreError, WorkerStuck
from tests.faults.chaos.finding import Finding

if TYPE_CHECKING:
    from jobledger._store.contract import Batch
    from tests.faults.simulation.machine import Machine
    from tests.faults.simulation.plan import Ticket
    from tests.faults.simulation.process import Process
    from tests.faults.simulation.watched import Sight

JOB_ALONE = "no two executions of a job overlap, but where a worker was taken over"
ENTITY_ALONE = "no two executions of an entity overlap, but where a worker was taken over"
GOES_ON = "no process ends by itself, unless its store fails"
FENCED = "who was taken over writes nothing more"
FAIR = "nobody is taken over but the dead, and those who were silent for their whole lease"


@dataclass
class Submitted:
    """A submit, and what its caller heard.

    Attributes:
        answer: accepted, refused, unknown; None: the caller died, or still waits.
        jobs: the ids, with whether each was created.
    """

    ticket: Ticket
    process: Process
    answer: str | None = None
    jobs: tuple[tuple[str, bool], ...] = ()


@dataclass
class Asked:
    """A cancel, a replay or a discard.

    Attributes:
        answer: None while nobody knows.
        lost: commits of its process whose answers were lost before it was asked.
        read_back: the answer may have been read from the job as it is: others may have done what it says.
    """

    verb: str
    job_id: str
    process: Process
    lost: int
    answer: str | None = None
    read_back: bool = False


class Chronicle:
    """One run.

    Attributes:
        findings: what was off at once.
        sights: all executions.
        writers: who was enlisted, by number.
        doomed: writers that somebody began to take over, for a good reason.
        left_behind: processes that could not retire their writers: whoever comes next takes these over.
    """

    def __init__(self, machine: Machine) -> None:
        self.findings: list[Finding] = []
        self.sights: list[Sight] = []
        self.submits: dict[int, Submitted] = {}
        self.asked: list[Asked] = []
        self.writers: dict[int, Process] = {}
        self.doomed: set[int] = set()
        self.left_behind: set[Process] = set()
        self._lost: Counter[Process] = Counter()
        self._broken: set[Process] = set()
        self._machine = machine
        self._running: list[Sight] = []
        self._fenced: set[int] = set()

    # Executions

    def began(self, sight: Sight) -> None:
        self._machine.trace(sight.process, f"{sight.type} {sight.job_id[:8]} run {sight.run} begins")
        for other in self._running:
            if self.doomed.isdisjoint((other.writer_id, sight.writer_id)):
                if other.job_id == sight.job_id:
                    self.findings.append(Finding(JOB_ALONE, f"{other}, then {sight}"))
                elif sight.entity is not None and other.entity == sight.entity:
                    self.findings.append(Finding(ENTITY_ALONE, f"{sight.entity}: {other}, then {sight}"))
        self.sights.append(sight)
        self._running.append(sight)

    def ended(self, sight: Sight, outcome: str) -> None:
        if not self._machine.is_over and not sight.process.is_dead:
            self._machine.trace(sight.process, f"{sight.type} {sight.job_id[:8]} run {sight.run}: {outcome}")
            sight.outcome = outcome
            self._running.remove(sight)

    def buried(self, process: Process) -> None:
        """It has ended, in whatever way: none of its code runs any more."""
        self._running = [sight for sight in self._running if sight.process is not process]

    # Writers

    def enlisted(self, writer_id: int, process: Process) -> None:
        self._machine.trace(process, f"is writer {writer_id}")
        self.writers[writer_id] = process

    def committed(self, batch: Batch, process: Process) -> None:
        if batch.writer_id in self._fenced:
            self.findings.append(Finding(FENCED, f"writer {batch.writer_id} in {process}: batch {batch.number}"))

    def answer_lost(self, process: Process) -> None:
        """A commit of this process was made or not, and it was not told."""
        self._lost[process] += 1

    def disk_failed(self, process: Process) -> None:
        """It must end by itself, however long that takes."""
        self._broken.add(process)

    def dooms(self, writer_id: int, process: Process, *, is_fair: bool) -> None:
        """Somebody is about to take this writer over."""
        self.doomed.add(writer_id)
        if not is_fair:
            self.findings.append(Finding(FAIR, f"writer {writer_id}, by {process}"))

    def taken_over(self, writer_ids: tuple[int, ...]) -> None:
        """It is committed."""
        self._fenced.update(writer_ids)

    def exited(self, process: Process, error: BaseException | None) -> None:
        """A process has ended by itself: because it was asked to, or because it could not go on."""
        expected = isinstance(error, StoreError) and (process in self._broken or not self._machine.is_closing)
        is_stuck = isinstance(error, WorkerStuck) and (process.suffered or self._is_deaf(process))
        if expected or is_stuck:
            self.left_behind.add(process)
        if not (process.is_leaving if error is None else expected or is_stuck):
            self.findings.append(Finding(GOES_ON, f"{process}: {error!r}"))

    def _is_deaf(self, process: Process) -> bool:
        """Even if that has ended by now: what it said may not be written yet."""
        return any(sight.process is process and sight.is_deaf for sight in self.sights)

    # Callers

    def sent(self, ticket: Ticket, process: Process) -> Submitted:
        submitted = self.submits[ticket.number] = Submitted(ticket, process)
        self._machine.trace(process, f"submits ticket {ticket.number}")
        return submitted

    def answered(self, submitted: Submitted, answer: str, jobs: tuple[tuple[str, bool], ...] = ()) -> None:
        submitted.answer, submitted.jobs = answer, jobs
        self._machine.trace(submitted.process, f"ticket {submitted.ticket.number} is {answer}: {_short(jobs)}")

    def asks(self, verb: str, job_id: str, process: Process) -> Asked:
        asked = Asked(verb, job_id, process, self._lost[process])
        self.asked.append(asked)
        self._machine.trace(process, f"asks: {verb} {job_id[:8]}")
        return asked

    def told(self, asked: Asked, answer: str) -> None:
        asked.answer, asked.read_back = answer, self._lost[asked.process] > asked.lost
        self._machine.trace(asked.process, f"is told: {asked.verb} {asked.job_id[:8]}: {answer}")


def _short(jobs: tuple[tuple[str, bool], ...]) -> str:
    return ", ".join(job_id[:8] if created else f"{job_id[:8]} (known)" for job_id, created in jobs)
