"""A trial: many threads on one schema, with connections of their own, until the time is up or something is found."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from jobledger._store.contract import Declaration
from tests.postgres.proof import others
from tests.postgres.proof.hall import Hall
from tests.postgres.proof.order import NOTES
from tests.postgres.proof.schema import SOUND, Place
from tests.postgres.proof.shape import TYPES
from tests.postgres.proof.worker import Worker

if TYPE_CHECKING:
    from tests.postgres.proof.schema import Mutant
    from tests.postgres.proof.shape import Shape

DRAIN_SECONDS: Final = 30.0
HANDLED: Final = ((0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 0))
"""Which types each worker handles: none handles all, and each type has several."""
LEFT: Final = """
    SELECT (SELECT count(*) FROM {schema}.job), (SELECT count(*) FROM {schema}.mailbox),
        (SELECT string_agg(j.id || ' ' || j.lane || coalesce(' of ' || j.entity, ''), ', ') FROM (
            SELECT * FROM {schema}.job ORDER BY seq LIMIT 10
        ) j)
"""
HANG_UP: Final = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name LIKE 'jobledger%'
"""


class Report(NamedTuple):
    """What a trial came to."""

    seed: int
    shape: str
    seconds: float
    counts: dict[str, int]
    findings: dict[str, int]
    examples: dict[str, str]

    def __str__(self) -> str:
        counts = ", ".join(f"{what} {number}" for what, number in sorted(self.counts.items()))
        found = "".join(f"\n  {number} x {kind}: {self.examples[kind]}" for kind, number in self.findings.items())
        return f"seed {self.seed}, {self.shape}, {self.seconds:.0f} s: {counts}; {len(self.findings)} findings{found}"


def tried(url: str, shape: Shape, seed: int, seconds: float, mutant: Mutant = SOUND) -> Report:
    """Run a trial in an empty database; a mutant's ends with its first finding."""
    began = time.monotonic()
    place = Place(url, mutant)
    first = place.open()
    declared = first.declare(tuple(Declaration(name, name) for name in TYPES), 100)
    first.close()
    hall = Hall(place, shape, seed, tuple(type_.type_id for type_ in declared))
    threads = _threads(hall, hasty=mutant is not SOUND)
    for thread in threads:
        thread.start()
    hall.broken.wait(seconds)
    hall.drained.set()
    if not hall.broken.is_set():
        _drain(hall)
    hall.over.set()
    _go_home(hall, threads)
    _last_looks(hall)
    counts, findings, examples = hall.said()
    return Report(seed, shape.name, time.monotonic() - began, counts, findings, examples)


def _threads(hall: Hall, *, hasty: bool) -> list[threading.Thread]:
    types = hall.types
    lives = {
        **{
            f"worker{number}": Worker(hall, f"worker{number}", tuple(types[one] for one in handled)).run
            for number, handled in enumerate(HANDLED)
        },
        **{name: others.Clerk(hall, name).run for name in ("clerk0", "clerk1")},
        "submitter0": lambda: others.submitter(hall, "submitter0"),
        "submitter1": lambda: others.submitter(hall, "submitter1"),
        "folder0": lambda: others.folder(hall, "folder0"),
        "folder1": lambda: others.folder(hall, "folder1"),
        "taker": lambda: others.taker(hall),
        "cutter": lambda: others.cutter(hall),
        "auditor": lambda: others.auditor(hall),
        **({"reader": lambda: others.reader(hall)} if hasty else {}),
    }
    return [threading.Thread(target=hall.guarded(run, name), name=name) for name, run in lives.items()]


def _drain(hall: Hall) -> None:
    """Wait until every job has ended; one that does not is stuck."""
    with hall.place.session() as session:
        deadline = time.monotonic() + DRAIN_SECONDS
        while not hall.broken.is_set():
            jobs, mailboxes, some = session.run(lambda s: s.fetch(hall.place.sql(LEFT)))[0]
            if not jobs and not mailboxes:
                return
            if time.monotonic() > deadline:
                hall.find("stuck", f"{jobs} jobs and {mailboxes} mailboxes are left: {some}")
            hall.over.wait(0.02)


def _go_home(hall: Hall, threads: list[threading.Thread]) -> None:
    """Who waits for a lock that nobody gives back is cut off."""
    for thread in threads:
        thread.join(2)
    while any(thread.is_alive() for thread in threads):
        with hall.place.session() as session:
            session.run(lambda s: s.fetch(HANG_UP))
        for thread in threads:
            thread.join(0.5)


def _last_looks(hall: Hall) -> None:
    store = hall.place.open()
    others.audit(hall, store)
    store.close()
    with hall.place.session() as session:
        others.passed_over(hall, session, hall.place.sql(NOTES))
        others.deadlocked(hall, session)
