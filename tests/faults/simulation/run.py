"""One seed, from the first process to the last check."""

from __future__ import annotations

import tempfile
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from jobledger._store.sqlite.store import SqliteStore
from tests.faults.chaos.finding import Finding
from tests.faults.chaos.pause import pause
from tests.faults.simulation.loop import Deadlock
from tests.faults.simulation.machine import Machine
from tests.faults.simulation.plan import deafened, plan
from tests.faults.simulation.seams import simulated
from tests.faults.simulation.verdict import judged
from tests.sqlite_file import SqliteFile

_PATIENCE = 300.0
"""Virtual seconds that all jobs get to end, once nothing goes wrong any more."""
_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder with a name of its own is made there
STUCK = "nothing is stuck"
DEFECT = "the product finds no defect of its own"


@dataclass(frozen=True)
class Outcome:
    """What a run came to.

    Attributes:
        findings: what is off; none is the aim.
        digest: of all lines of the trace.
        counts: what went wrong on purpose, and what was done.
        lines: the last lines of the trace, or all.
    """

    seed: int
    findings: list[Finding]
    digest: str
    steps: int
    seconds: float
    counts: Counter[str] = field(default_factory=Counter)
    lines: tuple[str, ...] = ()


def run(seed: int, keep: int | None = 60) -> Outcome:
    """Simulate one seed, and check it."""
    empty = _migrated()
    with tempfile.TemporaryDirectory(prefix="jobledger-simulation-", dir=_folder()) as folder, simulated() as loudest:
        path = Path(folder, "jobs.db")
        path.write_bytes(empty)
        machine = Machine(seed, path, keep)
        try:
            findings = _lived(machine)
            findings += machine.chronicle.findings
            findings += judged(machine)
        finally:
            machine.close()
        findings += [Finding(DEFECT, what) for what in (*loudest.heard, *machine.loop.broken)]
        counts = machine.storm.counts
        digest = machine.digest.hexdigest()
        return Outcome(seed, findings, digest, machine.loop.steps, machine.loop.time(), counts, tuple(machine.lines))


def _lived(machine: Machine) -> list[Finding]:
    try:
        stuck = machine.loop.run(_story(machine))
    except Deadlock as error:
        stuck = [str(error)]
    return [Finding(STUCK, what) for what in stuck]


async def _story(machine: Machine) -> list[str]:
    """Some processes start, tickets are sent while all goes wrong, and then it has to come to rest."""
    dice = machine.chance("story")
    loop = machine.loop
    for _ in range(dice.choice((2, 2, 3))):
        machine.start("worker")
    machine.start("client")
    machine.storm.begin()
    for ticket in deafened(plan(machine.chance("plan")), machine.chance("deaf")):
        await pause(ticket.at - loop.time())
        await machine.submit(ticket)
        machine.harass()
    for _ in range(4):
        await pause(dice.uniform(0.2, 2.0))
        machine.bury()
    machine.storm.end()
    return await _rested(machine) or await _left(machine)


async def _rested(machine: Machine) -> list[str]:
    deadline = machine.loop.time() + _PATIENCE
    while (unfinished := machine.unfinished) and machine.loop.time() < deadline:
        await pause(0.5)
    return unfinished


async def _left(machine: Machine) -> list[str]:
    """Who is the last one to end, and could not retire, has nobody to take it over."""
    machine.is_closing = True
    for process in machine.living():
        machine.ask_to_leave(process)
    deadline = machine.loop.time() + _PATIENCE
    while (living := machine.living()) and machine.loop.time() < deadline:
        await pause(0.5)
    left = machine.column("SELECT writer_id FROM writer WHERE NOT dead")
    chronicle = machine.chronicle
    stuck = [one for one in left if chronicle.writers[int(one)] not in chronicle.left_behind]
    return [f"{process} does not end" for process in living] + [f"writer {one} was not retired" for one in stuck]


@cache
def _migrated() -> bytes:
    """An empty store, as the product makes it; made once, since that takes longer than many a run."""
    with tempfile.TemporaryDirectory() as folder:
        file = SqliteFile(Path(folder, "jobs.db"))
        with closing(SqliteStore(file.path, lambda: 0, "off")) as store:
            store.declare((), 1)
        file.forget()
        return file.path.read_bytes()


def _folder() -> str | None:
    return str(_MEMORY) if _MEMORY.is_dir() else None
