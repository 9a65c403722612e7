"""What goes wrong in a run, and when: all of it follows from the seed."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

    from tests.faults.simulation.machine import Machine
    from tests.faults.simulation.process import Process

HOUR = 3600.0
_AT_WORST = 0.5


class Fate(StrEnum):
    """What becomes of a commit."""

    FINE = "fine"
    LOST_BEFORE = "it was not made, and nobody knows"
    LOST_AFTER = "it was made, and nobody knows"
    FAILED_BEFORE = "the disk fails, and it was not made"
    FAILED_AFTER = "the disk fails, and it was made"


class Storm:
    """Decides over every callback and every commit.

    Args:
        machine: where it happens.
        chance: the seed's, for this alone.

    Attributes:
        is_over: nothing goes wrong any more, but wake-ups still get lost.
        counts: what went wrong, by name.
        lease: of all workers, in seconds.
    """

    def __init__(self, machine: Machine, chance: random.Random) -> None:
        self.is_over = False
        self.counts: Counter[str] = Counter()
        self._machine = machine
        self._chance = chance
        self.lease = chance.choice((2.0, 4.0, 10.0))
        self._turns = self._moments(chance.choice((0, 1, 2, 4)), 1600)
        self._calls = self._moments(chance.choice((0, 1, 2, 4)), 250)
        self._turn = self._call = 0
        self._unknown = chance.choice((0.0, 0.0, 0.02, 0.06))
        self._busy = chance.choice((0.0, 0.0, 0.02))
        self._failing = chance.choice((0.0, 0.0, 0.004))
        self._deaf = chance.choice((0.0, 0.3, 1.0))
        self._slow = chance.choice((0.0, 0.03, 0.2))
        self._jumps = [chance.uniform(0.5, 8.0) for _ in range(chance.choice((0, 0, 1, 2)))]
        self._restarts = [chance.uniform(0.5, 8.0) for _ in range(chance.choice((0, 0, 1, 2)))]

    def _moments(self, most: int, until: int) -> list[int]:
        """The numbers of the callbacks at which something happens, the next one last."""
        return sorted((self._chance.randrange(until) for _ in range(most)), reverse=True)

    def begin(self) -> None:
        """What happens at a time of its own."""
        loop = self._machine.loop
        for at in self._jumps:
            loop.call_later(at, self._jump)
        for at in self._restarts:
            loop.call_later(at, self._restart)

    # Before and after each callback

    def before(self, process: Process) -> None:
        """A callback of this process is about to run."""
        self._turn += 1
        if self._turns and self._turn > self._turns[-1] and not self.is_over:
            self._turns.pop()
            self._strike(process)

    def after_call(self, process: Process) -> None:
        """A call in a thread of this process has returned, and nobody has heard of it."""
        self._call += 1
        if self._calls and self._call > self._calls[-1] and not self.is_over and not process.is_dead:
            self._calls.pop()
            self._strike(process)

    def _strike(self, process: Process) -> None:
        match self._chance.choices(("crash", "freeze", "block"), (4, 5, 1))[0]:
            case "crash":
                self._count("crashes", process)
                process.kill()
            case "freeze":
                self._count("zombies", process)
                process.freeze()
                self._machine.loop.call_later(self._silence(), self._go_on, process, context=self._machine.context)
            case _:
                self._count("blocked loops", process)
                process.block()
                seconds = self._chance.choice((1.0, 20.0, 80.0))
                self._machine.loop.call_later(seconds, self._go_on, process, context=self._machine.context)

    def _silence(self) -> float:
        """Mostly about as long as others bear it."""
        kind = self._chance.random()
        if kind < 0.1:
            return self._chance.uniform(60, 300)
        return self.lease * (self._chance.uniform(0.1, 1.0) if kind < 0.4 else self._chance.uniform(1.0, 1.6))

    def _go_on(self, process: Process) -> None:
        if not process.is_dead:
            self._machine.trace(process, "goes on")
            process.go_on()

    def is_seen_silent(self, process: Process) -> None:
        """Others are about to take it over: the worst moment to go on."""
        if process.is_frozen and self._chance.random() < _AT_WORST:
            self._machine.loop.call_later(self.pause(), self._go_on, process, context=self._machine.context)

    def end(self) -> None:
        """Whoever is still frozen goes on, and nothing more goes wrong."""
        self.is_over = True
        for process in self._machine.living():
            process.go_on()

    # Commits

    def fate(self, process: Process) -> Fate:
        """Of a commit that is about to be made."""
        if self.is_over:
            return Fate.FINE
        if self._chance.random() < self._unknown:
            self._count("unknown commits", process)
            return self._chance.choice((Fate.LOST_BEFORE, Fate.LOST_AFTER))
        if self._chance.random() < self._failing:
            self._count("failing disks", process)
            return self._chance.choice((Fate.FAILED_BEFORE, Fate.FAILED_AFTER))
        return Fate.FINE

    def is_busy(self, process: Process) -> bool:
        """Whether a batch can't be written now."""
        if self.is_over or self._chance.random() >= self._busy:
            return False
        self._count("busy stores", process)
        return True

    # The rest

    def pause(self) -> float:
        """How long a thread takes to begin, or an answer to arrive."""
        kind = self._chance.random()
        if kind < self._slow:
            return self._chance.uniform(0.0, 0.8)
        return self._chance.uniform(0.0, 0.0005 if kind < 0.8 else 0.02)

    def loses_wake_up(self) -> bool:
        """Nobody may depend on one, so this goes on to the end."""
        lost = self._chance.random() < self._deaf
        self.counts["lost wake-ups"] += lost
        return lost

    def _jump(self) -> None:
        if not self.is_over:
            seconds = self._chance.choice((-HOUR, -1.0, 1.0, HOUR))
            self._count("clock jumps", None)
            self._machine.jump(seconds)

    def _restart(self) -> None:
        up = [process for process in self._machine.living() if process.is_up and process.role == "worker"]
        if up and not self.is_over:
            process = self._chance.choice(up)
            self._count("restarts", process)
            self._machine.ask_to_leave(process)

    def _count(self, what: str, process: Process | None) -> None:
        self.counts[what] += 1
        self._machine.trace(process, what)
