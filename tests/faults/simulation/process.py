"""A simulated process: it can be killed, frozen, or have its loop blocked, between any two callbacks."""

from __future__ import annotations

import contextvars
import random
import uuid
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from tests.faults.simulation.lock import MachineLock
from tests.faults.simulation.loop import OWNER, Turn
from tests.faults.simulation.thread import Thread

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine

    from jobledger import App
    from jobledger._runtime.node import Node
    from tests.faults.simulation.machine import Machine

Role: TypeAlias = Literal["worker", "client"]


class Process:
    """One process of the machine, from its start to its end; who comes after it is another one.

    Attributes:
        number: its own, and never used again.
        lock: how it sees the lock file.
        app: what it has opened, once that is there; ``node``: its worker.
        is_dead: it runs nothing more, and holds no lock.
        is_frozen: it runs nothing now.
        is_leaving: it was asked to stop.
        suffered: it was frozen or blocked before, so that what it waited for in time came too late.
    """

    def __init__(self, machine: Machine, number: int, role: Role) -> None:
        self.machine = machine
        self.number = number
        self.role = role
        self.lock = MachineLock(machine, self)
        self.app: App | None = None
        self.node: Node | None = None
        self.main: asyncio.Task[None] | None = None
        self.leaving: asyncio.Event | None = None
        self.is_dead = False
        self.is_frozen = self.is_leaving = self.suffered = False
        self.chance = random.Random(f"{machine.seed}:process:{number}")
        self.context = contextvars.Context()
        self.context.run(OWNER.set, self)
        self._kept: list[Turn] = []
        self._blocked_since: float | None = None
        self._threads: dict[object, Thread] = {}

    def __str__(self) -> str:
        return f"{self.role[0]}{self.number}"

    # What runs

    def admits(self, turn: Turn) -> bool:
        """See :class:`Owner`. Before each callback something may happen to the process."""
        if self._is_up(turn):
            self.machine.storm.before(self)
            if self._is_up(turn):
                return True
        if not self.is_dead:
            self._kept.append(turn)
        return False

    def _is_up(self, turn: Turn) -> bool:
        return not self.is_dead and not self.is_frozen and (self._blocked_since is None or turn.in_thread)

    @property
    def is_up(self) -> bool:
        """Its loop runs now."""
        return not self.is_dead and not self.is_frozen and self._blocked_since is None

    @property
    def is_open(self) -> bool:
        """It can be called."""
        return self.app is not None and self.app._opened > 0

    def is_at_work(self, *, is_enlisted: bool) -> bool:
        """Whether it is what it was started as: not still on its way, nor on its way out, nor fenced."""
        door = self.app._door if self.app is not None else None
        is_well = self.is_open and door is not None and door.broken is None
        return is_well and (is_enlisted or self.role == "client")

    def works(self, executor: Any, work: Callable[[], Any]) -> asyncio.Future[Any]:
        """See :class:`Owner`. One thread, or a pool of one, keeps the order of what it is given."""
        thread = self._threads.get(executor)
        if thread is None or executor is None or getattr(executor, "_max_workers", 1) > 1:
            thread = Thread(self.machine.loop, self.context, self.machine.storm.pause, self._ran)
            self._threads[executor] = thread
        return thread.give(work)

    def _ran(self) -> None:
        self.machine.storm.after_call(self)

    def begin(self, work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Run something on the loop of this process."""
        return self.machine.loop.create_task(work, name=f"{self}: {name}", context=self.context.copy())

    # What happens to it

    def kill(self) -> None:
        """Nothing of it ever runs again, and the kernel gives its locks back."""
        self.is_dead = True
        self._kept.clear()
        self.machine.buried(self)

    def freeze(self) -> None:
        """Nothing of it runs, but it keeps its locks."""
        self.is_frozen = self.suffered = True

    def block(self) -> None:
        """Its loop runs nothing, but its threads go on."""
        self._blocked_since, self.suffered = self.machine.loop.time(), True

    def go_on(self) -> None:
        """Neither frozen nor blocked any more: what has become due meanwhile runs now."""
        self.is_frozen, self._blocked_since = False, None
        kept, self._kept = self._kept, []
        if not self.is_dead:
            self.machine.loop.give_back(kept)

    def blocked_for(self) -> float:
        """Seconds since its loop last ran, while it is blocked."""
        return 0.0 if self._blocked_since is None else self.machine.loop.time() - self._blocked_since

    # Its clock: the protocol of jobledger._clock.Clock

    def now(self) -> int:
        """Wall time, which jumps."""
        return self.machine.wall()

    def monotonic(self) -> float:
        """Virtual time."""
        return self.machine.loop.time()

    def uptime(self) -> float:
        """Virtual time."""
        return self.machine.loop.time()

    def sample(self) -> float:
        """This process's own chance."""
        return self.chance.random()

    def new_id(self) -> str:
        """An id that follows from the seed."""
        return str(uuid.UUID(int=self.chance.getrandbits(128)))


def current() -> Process:
    """The process that this code belongs to."""
    owner = OWNER.get()
    assert isinstance(owner, Process)
    return owner
