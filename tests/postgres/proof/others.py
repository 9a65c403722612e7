"""Everybody else: who submits, cancels, replays, takes over, cuts, folds, prunes and audits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from jobledger._core import books
from jobledger._core import commands as c
from jobledger._store.contract import Batch, Enlistment
from jobledger._types import SECOND
from jobledger.errors import StoreBusy, StoreUnreachable
from tests.postgres.proof.order import NOTES, notes, overtaken
from tests.postgres.proof.shape import Dice

if TYPE_CHECKING:
    from jobledger._store.contract import Committed
    from jobledger._store.postgres.session import Session
    from jobledger._store.postgres.store import PostgresStore
    from tests.postgres.proof.hall import Hall

SUBMIT: Final = """
    SELECT {schema}.submit(t.name, '{}', entity => u.entity, priority => (
        CASE u.priority WHEN 0 THEN 'critical' WHEN 1 THEN 'high' WHEN 2 THEN 'normal' ELSE 'low' END
    ), delay => CASE WHEN u.delay > 0 THEN u.delay * interval '1 microsecond' END, max_attempts => u.max_attempts)
    FROM unnest($1::integer[], $2::text[], $3::integer[], $4::bigint[], $5::integer[])
        AS u(type_id, entity, priority, delay, max_attempts) JOIN {schema}.type AS t USING (type_id)
"""
HOLD: Final = "SELECT pg_sleep($1::float8)"
ALIVE: Final = "SELECT count(*) FROM {schema}.job"
TARGETS: Final = """
    SELECT id FROM (
        (SELECT id FROM {schema}.job WHERE lane IN ('arrived', 'parked') ORDER BY seq LIMIT 8)
        UNION (SELECT id FROM {schema}.job ORDER BY random() LIMIT 8)
    ) q ORDER BY random() LIMIT $1
"""
LETTERS: Final = "SELECT id FROM {schema}.ended WHERE lane = 'failed' ORDER BY random() LIMIT $1"
DEADLOCKS: Final = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
CUT: Final = "SELECT pg_terminate_backend($1::integer)"


class _RolledBack(Exception):
    """On purpose."""


def submitter(hall: Hall, name: str) -> None:
    """Jobs in a transaction of its own, as any driver may make them; some are rolled back."""
    dice = Dice(hall.shape, hall.seed, name, hall.types)
    alive, submit = hall.place.sql(ALIVE), hall.place.sql(SUBMIT)

    async def one(session: Session) -> None:
        fields = [(s.type_id, s.entity, s.priority, s.delay, s.max_attempts) for s in dice.several()]
        async with session.transaction():
            await session.fetch(submit, *map(list, zip(*fields, strict=True)))
            await session.fetch(HOLD, dice.rng.random() * 0.02)
            if dice.rng.random() < 0.2:
                raise _RolledBack
        hall.count("jobs", len(fields))

    with hall.place.session() as session:
        while not hall.drained.is_set():
            if session.run(lambda s: s.value(alive)) > hall.shape.backlog:
                hall.pause(dice.rng, 0.04)
                continue
            try:
                session.run(one)
            except _RolledBack:
                hall.count("rolled back")


class Clerk:
    """Cancels jobs, replays and discards dead letters: a client that holds none."""

    def __init__(self, hall: Hall, name: str) -> None:
        self._hall = hall
        self._dice = Dice(hall.shape, hall.seed, name, hall.types)
        self._targets, self._letters = hall.place.sql(TARGETS), hall.place.sql(LETTERS)
        self._number = 0

    def run(self) -> None:
        """Until nothing new may come."""
        store = self._hall.place.open()
        with self._hall.place.session() as beside:
            writer_id = store.enlist(Enlistment("client", "here", 2))
            while not self._hall.drained.is_set():
                self._hall.pause(self._dice.rng, 0.02)
                commands = self._commands(beside)
                if commands:
                    self._send(store, Batch(writer_id, self._number + 1, commands))
            store.retire(writer_id)
            self._hall.count("deadlocks seen", store.deadlocks)
            store.close()

    def _commands(self, beside: Session) -> tuple[c.Command, ...]:
        rng = self._dice.rng
        text = self._letters if rng.random() < 0.4 else self._targets
        rows = beside.run(lambda session: session.fetch(text, rng.randint(1, 3)))
        ids = [row[0] for row in rows]
        if text is self._targets:
            return tuple(c.Cancel(job_id) for job_id in ids)
        return tuple((c.Replay if rng.random() < 0.7 else c.Discard)(job_id) for job_id in ids)

    def _send(self, store: PostgresStore, batch: Batch) -> Committed | None:
        while True:
            try:
                done = store.commit(batch)
            except StoreBusy:
                self._hall.count("busy")
            else:
                self._number += 1
                self._hall.count("asked", len(batch.commands))
                return done


def taker(hall: Hall) -> None:
    """Takes workers over that live: because of the fence that wastes, and does no harm."""
    dice = Dice(hall.shape, hall.seed, "taker", hall.types)
    store = hall.place.open()
    while not hall.drained.is_set():
        hall.over.wait(dice.rng.uniform(0.02, 0.05))
        writer_id = hall.live(dice.rng)
        try:
            taken = store.take_over((writer_id,)) if writer_id is not None else ()
        except (StoreBusy, StoreUnreachable) as error:
            hall.find("a takeover failed", error)
            continue
        for one in taken:
            hall.count("takeovers")
            hall.count("lost", len(one.jobs) + len(one.dead_lettered))
    hall.count("deadlocks seen", store.deadlocks)
    store.close()


def cutter(hall: Hall) -> None:
    """Ends connections of workers, whatever they are doing."""
    dice = Dice(hall.shape, hall.seed, "cutter", hall.types)
    with hall.place.session() as session:
        while not hall.drained.is_set():
            hall.over.wait(dice.rng.uniform(0.1, 0.4))
            writer_id = hall.live(dice.rng)
            backend = hall.backends.get(writer_id or 0, lambda: None)()
            if backend is not None:
                session.run(lambda s, backend=backend: s.fetch(CUT, backend))  # type: ignore[misc]


def folder(hall: Hall, name: str) -> None:
    """Folds what stands beside the ledger, held open at random, and forgets what ended long ago."""
    dice = Dice(hall.shape, hall.seed, name, hall.types)
    store = hall.place.open()

    async def fold(session: Session) -> None:
        async with session.transaction():
            await session.fetch(store._sql["fold_deltas"])
            await session.fetch(HOLD, dice.rng.random() * 0.01)

    with hall.place.session() as session:
        while not hall.over.is_set():
            hall.pause(dice.rng, 0.1)
            session.run(fold)
            hall.count("folds")
            if dice.rng.random() < 0.2:
                store.sample(None)
                hall.count("pruned", store.prune(2 * SECOND, 50))
    hall.count("deadlocks seen", store.deadlocks)
    store.close()


def auditor(hall: Hall) -> None:
    """Looks at everything in one snapshot, all the time."""
    dice = Dice(hall.shape, hall.seed, "auditor", hall.types)
    store = hall.place.open()
    while not hall.over.is_set():
        audit(hall, store)
        hall.pause(dice.rng, 0.05)
    store.close()


def audit(hall: Hall, store: PostgresStore) -> None:
    """One audit: balance and structure."""
    result = books.balance(store.audit())
    hall.count("audits")
    for check in result.failed:
        hall.find(f"balance: {check.equation}", check)
    for finding in result.broken:
        hall.find(f"structure: {finding.rule}", finding)


def reader(hall: Hall) -> None:
    """In a trial that is to find something: what else is looked at only in the end."""
    text = hall.place.sql(NOTES)
    with hall.place.session() as session:
        while not hall.over.wait(1.0):
            passed_over(hall, session, text)
            deadlocked(hall, session)


def passed_over(hall: Hall, session: Session, text: str) -> None:
    """Compare each activation with what its look could see."""
    found = session.run(lambda s: notes(s, text))
    hall.count("activations", sum(row[6] is not None for row in found))
    for one in overtaken(found):
        hall.find("order: an older job was passed over", one)


def deadlocked(hall: Hall, session: Session) -> None:
    """By the server's count, and by the stores'."""
    deadlocks = session.run(lambda s: s.value(DEADLOCKS))
    seen = hall.counted("deadlocks seen")
    if deadlocks or seen:
        hall.find("deadlocks", f"{deadlocks} by the server, {seen} by the stores")
