"""One machine: its processes, its wall clock, what its kernel knows of locks and sockets, and one database file."""

from __future__ import annotations

import contextvars
import hashlib
import random
from collections import deque
from typing import TYPE_CHECKING

from jobledger._types import micros
from tests.faults.chaos.pause import pause
from tests.faults.simulation import callers
from tests.faults.simulation.books import audit
from tests.faults.simulation.chronicle import Chronicle
from tests.faults.simulation.disk import Disk
from tests.faults.simulation.life import live
from tests.faults.simulation.loop import SeededLoop
from tests.faults.simulation.process import Process
from tests.faults.simulation.storm import Storm

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Coroutine
    from pathlib import Path
    from typing import Any

    from tests.faults.simulation.plan import Ticket
    from tests.faults.simulation.process import Role
    from tests.faults.simulation.store import SimulatedEar

_WORKERS = "SELECT writer_id FROM writer WHERE NOT dead AND kind = 'worker'"
_EPOCH = 1_800_000_000.0


class Machine:
    """All that a run has.

    Args:
        seed: decides everything.
        path: the database, which is migrated already.
        keep: how many lines of the trace are kept; None keeps all.

    Attributes:
        lives: who holds the life byte of a writer.
        beats: the last beat of a writer, and when it came.
        is_over: what runs now is being cleared away.
        context: of what belongs to no process.
    """

    def __init__(self, seed: int, path: Path, keep: int | None) -> None:
        self.seed = seed
        self.path = path
        self.context = contextvars.Context()
        self.loop = SeededLoop(self.chance("order"), is_orderly=bool(seed % 2))
        self.storm = Storm(self, self.chance("storm"))
        self.chronicle = Chronicle(self)
        self.processes: list[Process] = []
        self.lives: dict[int, Process] = {}
        self.beats: dict[int, tuple[int, float]] = {}
        self.ears: dict[str, SimulatedEar] = {}
        self.disk = Disk(path)
        self.is_over = self.is_closing = False
        self.lines: deque[str] = deque(maxlen=keep)
        self.digest = hashlib.blake2b(digest_size=16)
        self._dice = self.chance("machine")
        self._offset = 0.0
        self._ears_made = 0
        self._calling: list[tuple[Process, asyncio.Task[Any]]] = []

    def chance(self, what: str) -> random.Random:
        """A stream of its own, so that one more draw here changes nothing there."""
        return random.Random(f"{self.seed}:{what}")

    def trace(self, process: Process | None, what: str) -> None:
        """A line of what happens: the same seed gives the same lines."""
        who = str(process) if process is not None else "-"
        line = f"{self.loop.steps:>6} {self.loop.time():11.6f} {who:>4} {what}"
        self.digest.update(line.encode())
        self.lines.append(line)

    # The clock and the kernel

    def wall(self) -> int:
        """Microseconds since 1970, as all processes see them."""
        return micros(_EPOCH + self._offset + self.loop.time())

    def jump(self, seconds: float) -> None:
        """The wall clock is set."""
        self._offset += seconds

    def beat(self, writer_id: int, value: int) -> None:
        """A worker shows that it lives."""
        self.beats[writer_id] = (value, self.loop.time())

    def may_be_taken_over(self, writer_id: int) -> bool:
        """Its process has ended, or it was silent for its whole lease."""
        beat = self.beats.get(writer_id)
        silent = beat is not None and self.loop.time() - beat[1] >= self.storm.lease - 1e-6
        return writer_id not in self.lives or silent

    def new_ear(self, ear: SimulatedEar) -> str:
        """A socket's name."""
        self._ears_made += 1
        name = f"ear-{self._ears_made}"
        self.ears[name] = ear
        return name

    # Processes

    def living(self) -> list[Process]:
        """All that have not ended."""
        return [process for process in self.processes if not process.is_dead]

    def start(self, role: Role) -> None:
        """A new process, unless all are to end."""
        if self.is_closing:
            return
        process = Process(self, len(self.processes) + 1, role)
        self.processes.append(process)
        self.trace(process, "starts")
        process.main = process.begin(live(process), "main")
        process.main.add_done_callback(lambda task: self._ended(process, task), context=self.context)

    def _ended(self, process: Process, task: asyncio.Task[None]) -> None:
        if not process.is_dead and not self.is_over:
            error = None if task.cancelled() else task.exception()
            how = type(error).__name__ if error is not None else "ends"
            self.trace(process, how)
            self.chronicle.exited(process, error)
            process.kill()

    def buried(self, process: Process) -> None:
        """The kernel gives back what it held, and somebody starts another one."""
        self.lives = {writer: holder for writer, holder in self.lives.items() if holder is not process}
        self.ears = {name: ear for name, ear in self.ears.items() if ear.process is not process}
        self.chronicle.buried(process)
        self.loop.call_later(self._dice.uniform(0.01, 2.0), self.start, process.role, context=self.context)

    def ask_to_leave(self, process: Process) -> None:
        """As SIGTERM does."""
        process.is_leaving = True
        if process.leaving is not None:
            self.loop.call_soon(process.leaving.set, context=process.context)

    # Callers

    def someone(self) -> Process | None:
        """A process that can be called."""
        able = [one for one in self.living() if one.is_up and not one.is_leaving and one.is_open]
        return self._dice.choice(able) if able else None

    async def submit(self, ticket: Ticket) -> None:
        """From whatever process."""
        while (process := self.someone()) is None:
            await pause(0.1)
        self._call(process, callers.submit(process, ticket), f"ticket {ticket.number}")

    def ask(self, verb: str, job_id: str) -> None:
        """From whatever process, if there is one."""
        process = self.someone()
        if process is not None:
            self._call(process, callers.ask(process, verb, job_id), f"{verb} {job_id}")

    def _call(self, process: Process, call: Coroutine[Any, Any, None], name: str) -> None:
        self._calling.append((process, process.begin(call, name)))

    def later(self, seconds: float, verb: str, job_id: str) -> None:
        """Ask that in a while."""
        self.loop.call_later(seconds, self.ask, verb, job_id, context=self.context)

    def bury(self) -> None:
        """Of the dead letters, some are replayed and some discarded."""
        for job_id in self.column("SELECT id FROM job WHERE lane = 'failed' ORDER BY key"):
            verb = self._dice.choice(("replay", "discard", None, None))
            if verb is not None:
                self.ask(verb, job_id)

    def harass(self) -> None:
        """Cancel any job, whatever has become of it, or wait for it; count, or audit."""
        jobs = self.column("SELECT id FROM job ORDER BY key")
        verb = self._dice.choice(("cancel", "wait", "count", "audit", None, None))
        if verb == "audit":
            self.chronicle.findings += audit(self)
        elif verb is not None and jobs:
            self.ask(verb, self._dice.choice(jobs))

    # What stands in the file

    def column(self, query: str) -> list[str]:
        """The first column of a query."""
        return [str(row[0]) for row in self.disk.own.execute(query)]

    @property
    def unfinished(self) -> list[str]:
        """What is not at rest yet."""
        jobs = self.column("SELECT id || ' is ' || lane FROM job WHERE ended_at IS NULL")
        writers = self.column("SELECT writer_id FROM writer WHERE NOT dead")
        dead = [f"writer {one} is not taken over" for one in writers if int(one) not in self.lives]
        calls = [task.get_name() for process, task in self._calling if not process.is_dead and not task.done()]
        workers = {self.lives.get(int(one)) for one in self.column(_WORKERS)}
        away = [f"{one} is not at work" for one in self.living() if not one.is_at_work(is_enlisted=one in workers)]
        return jobs + dead + away + [f"{one} is not answered" for one in calls]

    def close(self) -> None:
        """Clear everything away."""
        self.is_over = True
        self.loop.end()
        self.disk.close()
