"""What every test of the suite drives: a store, a clock in its hand, and one line for each thing done to a job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from jobledger._config import LABEL_BUDGET
from jobledger._core import books
from jobledger._core import commands as c
from jobledger._core.decide import Change, Refusal
from jobledger._core.deltas import NO_PRIORITY, SUM
from jobledger._core.outcome import Done, Failed
from jobledger._core.priority import Priority
from jobledger._store.contract import Declaration, Enlistment
from jobledger._types import SECOND
from jobledger.conformance.factory import FakeClock
from jobledger.conformance.writer import Writer

if TYPE_CHECKING:
    from jobledger._core.catalog import Instrument
    from jobledger._core.job import EventName, Job, Status
    from jobledger._core.outcome import Outcome
    from jobledger._core.reads import Record
    from jobledger._store.contract import Answer, Takeover, WriterKind
    from jobledger._types import Micros
    from jobledger.conformance.factory import StoreFactory


class Options(TypedDict, total=False):
    """How a job is submitted; the fields of Submit."""

    entity: str | None
    delay: Micros
    due_at: Micros | None
    max_attempts: int
    max_losses: int
    timeout: Micros | None
    dedupe: str | None
    dedupe_for: Micros
    batch: str | None
    trace: str | None


class Driver:
    """One store with a worker and a client, and all that can be done with jobs.

    Attributes:
        mail: the number of the first type; ``bill``: of the second.
        worker: starts and settles; ``client``: submits and cancels.
    """

    def __init__(self, factory: StoreFactory) -> None:
        """Open the store, declare two types, enlist a worker and a client."""
        self.factory = factory
        self.clock = FakeClock()
        self.store = factory(self.clock)
        self._stores = [self.store]
        self._ids = 0
        self._writers: dict[int, Writer] = {}
        self.mail = self.declare("mail")
        self.bill = self.declare("bill")
        self.worker = self.enlist()
        self.client = self.enlist("client")

    def close(self) -> None:
        """Close all connections."""
        for store in self._stores:
            store.close()

    def open(self) -> Any:
        """The same place once more, as another process would see it."""
        self._stores.append(self.factory(self.clock))
        return self._stores[-1]

    def declare(self, name: str, budget: int = LABEL_BUDGET, **defaults: Any) -> int:
        """Make a type known; its number."""
        types = self.store.declare((Declaration(name, name, **defaults),), budget)
        return next(type_.type_id for type_ in types if type_.name == name)

    def enlist(self, kind: WriterKind = "worker", slots: int = 100, types: tuple[int, ...] | None = None) -> Writer:
        """A new writer; a worker handles both types unless told otherwise."""
        handled = types if types is not None else (self.mail, self.bill) if kind == "worker" else ()
        writer = Writer(self.store, Enlistment(kind, "host", 4711, slots, handled))
        self._writers[writer.writer_id] = writer
        return writer

    # Submitting

    def new(
        self,
        type_id: int | None = None,
        priority: Priority = Priority.NORMAL,
        payload: bytes = b"{}",
        **options: Unpack[Options],
    ) -> c.Submit:
        """A Submit with a fresh id, not sent yet."""
        self._ids += 1
        job_id = f"00000000-0000-7000-8000-{self._ids:012x}"
        return c.Submit(job_id, self.mail if type_id is None else type_id, payload, int(priority), **options)

    def submit(
        self, type_id: int | None = None, priority: Priority = Priority.NORMAL, **options: Unpack[Options]
    ) -> str:
        """Submit a job that must be accepted; its id."""
        return change(self.ask(self.new(type_id, priority, **options))).job.id

    def submit_many(
        self, count: int, type_id: int | None = None, priority: Priority = Priority.NORMAL, **options: Unpack[Options]
    ) -> list[str]:
        """Submit a batch of equal jobs; their ids in order."""
        items = tuple(self.new(type_id, priority, **options) for _ in range(count))
        self.ask(c.SubmitAll(items))
        return [item.id for item in items]

    # Running

    def start(
        self, slots: int = 1, worker: Writer | None = None, types: tuple[int, ...] | None = None, suspects: int = 1
    ) -> list[Job]:
        """Claim up to ``slots`` jobs; those that started, in order."""
        writer = worker or self.worker
        committed = writer.send(claim=writer.asks(slots, types, suspects))
        return [claimed.job for claimed in committed.claimed]

    def start_one(self, worker: Writer | None = None) -> Job:
        """Claim one job; there must be one."""
        jobs = self.start(1, worker)
        assert len(jobs) == 1
        return jobs[0]

    def settling(self, job: Job, outcome: Outcome | None = None, elapsed: Micros = SECOND, **fields: Any) -> c.Settle:
        """A Settle of a started job, not sent yet."""
        return c.Settle(job.id, job.key, job.run, job.writer_id or 0, outcome or Done(), elapsed, **fields)

    def settle(self, job: Job, outcome: Outcome | None = None, elapsed: Micros = SECOND, **fields: Any) -> Job:
        """Settle a started job by its writer (done, if nothing else is said); the job after it."""
        return change(self._by_owner(self.settling(job, outcome, elapsed, **fields))).job

    def fail(self, job: Job, error: str = "boom", **fields: Any) -> Job:
        """The attempt failed; what follows is up to the job's limits."""
        return self.settle(job, Failed(error), **fields)

    def release(self, job: Job) -> Job:
        """The worker stops and puts the job back."""
        return change(self._by_owner(c.Release(job.id, job.key, job.run, job.writer_id or 0))).job

    def report(self, job: Job, percent: float, message: str = "") -> Job:
        """The attempt reports progress."""
        return change(self._by_owner(c.Report(job.id, job.key, job.run, job.writer_id or 0, percent, message))).job

    def lose(self, worker: Writer) -> Takeover:
        """The worker's process is dead: it is taken over."""
        takeovers = self.store.take_over((worker.writer_id,))
        assert len(takeovers) == 1
        return takeovers[0]

    def dead_letter(self, entity: str | None = None) -> str:
        """A job that has failed for good."""
        job_id = self.submit(entity=entity, max_attempts=1)
        self.fail(self.start_one())
        return job_id

    # Asking

    def ask(self, command: c.Command) -> Answer:
        """Send one command through the client."""
        (answer,) = self.client.send(command).answers
        return answer

    def cancel(self, job_id: str) -> Answer:
        """Cancel a job."""
        return self.ask(c.Cancel(job_id))

    def replay(self, job_id: str) -> Answer:
        """Replay a dead letter."""
        return self.ask(c.Replay(job_id))

    def discard(self, job_id: str) -> Answer:
        """Discard a dead letter."""
        return self.ask(c.Discard(job_id))

    # Looking

    def record(self, job_id: str) -> Record:
        """All that is known of a job, which must be there."""
        record = self.store.record(job_id)
        assert record is not None
        return record

    def job(self, job_id: str) -> Job:
        """The row of a job."""
        return self.record(job_id).job

    def status(self, job_id: str) -> Status:
        """What users see."""
        return self.job(job_id).status

    def story(self, job_id: str) -> list[EventName]:
        """The names of a job's transitions."""
        return [event.name for event in self.record(job_id).history]

    def value(self, instrument: Instrument, type_id: int | None = None, cell: int | None = None) -> int:
        """A counter or gauge, summed over priorities (and cells); of the first type unless told otherwise."""
        wanted = self.mail if type_id is None else type_id
        return sum(
            value
            for key, value in self.store.ledger().cells.items()
            if key.number == instrument.number and key.type_id == wanted and cell in {None, key.cell}
        )

    def spans(self, instrument: Instrument, priority: int = int(Priority.NORMAL)) -> tuple[int, Micros]:
        """How many time spans a histogram of the first type has seen, and their sum."""
        wanted = priority if instrument.by_priority else NO_PRIORITY
        cells = {
            key.cell: value
            for key, value in self.store.ledger().cells.items()
            if (key.number, key.type_id, key.priority) == (instrument.number, self.mail, wanted)
        }
        total = cells.pop(SUM, 0)
        return sum(cells.values()), total

    def audit(self) -> None:
        """The books balance and no structural rule is broken."""
        read = self.store.audit()
        assert read.findings == ()
        balance = books.balance(read)
        assert balance.balanced, balance

    def _by_owner(self, command: c.Running) -> Answer:
        (answer,) = self._writers[command.writer_id].send(command).answers
        return answer


def change(answer: Answer) -> Change:
    """The command won."""
    assert isinstance(answer, Change), answer
    return answer


def refusal(answer: Answer) -> Refusal:
    """The command was refused."""
    assert isinstance(answer, Refusal), answer
    return answer
