"""A worker: it claims and settles, is cut off, sends batches twice, is fenced, and compares what it remembers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from jobledger._core import commands as c
from jobledger._core.decide import Change
from jobledger._core.priority import Stride
from jobledger._store.contract import Batch, Claim, Enlistment, Group
from jobledger.errors import CommitUnknown, Fenced, StoreBusy, StoreUnreachable
from tests.postgres.proof.shape import Dice

if TYPE_CHECKING:
    from collections.abc import Callable

    from jobledger._core.job import Job
    from jobledger._store.contract import Committed
    from jobledger._store.postgres.session import Session
    from jobledger._store.postgres.store import PostgresStore
    from tests.postgres.proof.hall import Hall

T = TypeVar("T")
SLOTS: Final = 8
STATE: Final = """
    SELECT w.dead, w.batch_no, array(
        SELECT j.key || ' ' || j.run FROM {schema}.job j WHERE j.lane = 'processing' AND j.writer_id = w.writer_id
    ) FROM {schema}.writer w WHERE w.writer_id = $1
"""


class Worker:
    """One worker with the types that it handles."""

    def __init__(self, hall: Hall, name: str, types: tuple[int, ...]) -> None:
        self.name = name
        self._hall = hall
        self._dice = Dice(hall.shape, hall.seed, name, hall.types)
        self._types = types
        self._state = hall.place.sql(STATE)
        self._running: dict[int, Job] = {}
        self._writer = 0
        self._number = 0

    def run(self) -> None:
        """Until all is done."""
        store = self._hall.place.open()
        with self._hall.place.session() as beside:
            try:
                self._enlist(store)
                while not self._hall.over.is_set():
                    self._turn(store, beside)
            finally:
                self._hall.count("deadlocks seen", store.deadlocks)
                store.close()

    def _enlist(self, store: PostgresStore) -> None:
        self._hall.leaves(self._writer)
        who = Enlistment("worker", "here", 1, SLOTS, self._types)
        self._writer = self._persistently(lambda: store.enlist(who))
        self._number = 0
        self._running.clear()
        self._hall.joins(self._writer, lambda: store._writing.backend)

    def _turn(self, store: PostgresStore, beside: Session) -> None:
        batch = Batch(self._writer, self._number + 1, self._commands(), self._claim())
        if not batch.commands and not self._running and self._dice.rng.random() < 0.5:
            self._hall.pause(self._dice.rng, 0.02)
        try:
            committed, recalled = self._sent(store, batch)
        except Fenced:
            self._hall.count("fenced")
            self._check_fenced(store, beside, batch)
            self._enlist(store)
            return
        self._number += 1
        self._remember(batch, committed, recalled=recalled)
        self._check_memory(beside)
        if self._dice.rng.random() < 0.1:
            self._repeat(store, batch)
        elif self._dice.rng.random() < 0.04:
            self._ask_again(store, batch)

    def _commands(self) -> tuple[c.Command, ...]:
        rng, last = self._dice.rng, self._hall.drained.is_set()
        commands: list[c.Command] = []
        for job in list(self._running.values()):
            if rng.random() < (0.6 if not last else 1.0):
                commands.append(self._dice.ending(job, last=last))
            elif rng.random() < 0.1:
                commands.append(c.Report(job.id, job.key, job.run, self._writer, rng.random() * 100, "on"))
        return tuple(commands)

    def _claim(self) -> Claim | None:
        free = SLOTS - len(self._running)
        types = list(self._types)
        self._dice.rng.shuffle(types)
        suspects = sum(job.losses > 0 for job in self._running.values())
        return Claim((Group(tuple(types), free, Stride()),), max(0, 2 - suspects)) if free > 0 else None

    def _sent(self, store: PostgresStore, batch: Batch) -> tuple[Committed, bool]:
        """The batch, as often as it takes."""
        while True:
            try:
                return store.commit(batch), False
            except StoreBusy:
                self._hall.count("busy")
            except (CommitUnknown, StoreUnreachable) as error:
                self._hall.count("cut")
                found = self._recalled(store, batch) if isinstance(error, CommitUnknown) else None
                if found is not None:
                    self._hall.count("lost answers")
                    return found, True

    def _recalled(self, store: PostgresStore, batch: Batch) -> Committed | None:
        return self._persistently(lambda: store.recall(batch))

    def _persistently(self, ask: Callable[[], T]) -> T:
        """However often the connection is cut."""
        while True:
            try:
                return ask()
            except StoreUnreachable:
                self._hall.count("cut")

    def _remember(self, batch: Batch, committed: Committed, *, recalled: bool) -> None:
        self._hall.count("batches")
        if recalled:
            self._running = {claimed.job.key: claimed.job for claimed in committed.claimed}
            return
        for command, answer in zip(batch.commands, committed.answers, strict=True):
            if not isinstance(answer, Change):
                self._hall.find("refused to its owner", f"{self.name}: {command} {answer}")
            elif isinstance(command, c.Settle | c.Release):
                del self._running[command.key]
                self._hall.count("settled")
        for claimed in committed.claimed:
            self._running[claimed.job.key] = claimed.job
            self._hall.count("started")

    def _check_memory(self, beside: Session) -> None:
        """What it believes to run is what runs in its name, as long as it is not fenced."""
        state = beside.run(lambda session: session.fetch(self._state, self._writer))
        dead, number, running = state[0] if state else (True, 0, [])
        if dead:
            return
        if number != self._number:
            self._hall.find("batch number differs from memory", f"{self.name}: {number}, not {self._number}")
        remembered = {f"{job.key} {job.run}" for job in self._running.values()}
        if remembered != set(running):
            self._hall.find(
                "claims differ from memory", f"{self.name}: {sorted(remembered)} in memory, {sorted(running)} in store"
            )

    def _check_fenced(self, store: PostgresStore, beside: Session, batch: Batch) -> None:
        """Who is told that it is fenced is; or its batch of unknown outcome was applied after all."""
        state = beside.run(lambda session: session.fetch(self._state, self._writer))
        dead, number, _ = state[0] if state else (True, 0, [])
        if not dead and number == batch.number - 1:
            self._hall.find("fenced but alive", f"{self.name}: {batch.number}")
        elif not dead:
            self._hall.count("applied late")
            self._persistently(lambda: store.take_over((self._writer,)))

    def _repeat(self, store: PostgresStore, batch: Batch) -> None:
        """As a resend by mistake, or a clone, would."""
        try:
            store.commit(batch)
        except Fenced:
            self._hall.count("replays refused")
        except (StoreBusy, CommitUnknown, StoreUnreachable):
            self._hall.count("replays cut")
        else:
            self._hall.find("replay applied", f"{self.name}: {batch}")

    def _ask_again(self, store: PostgresStore, batch: Batch) -> None:
        """As if the answer had been lost."""
        try:
            found = self._recalled(store, batch)
        except Fenced:
            return
        if found is None:
            self._hall.find("applied but forgotten", f"{self.name}: {batch}")
        else:
            self._hall.count("recalled")
            self._running = {claimed.job.key: claimed.job for claimed in found.claimed}
