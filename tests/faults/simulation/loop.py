"""An event loop in virtual time: of what is ready the seed decides what runs next, and no clock is waited for."""

from __future__ import annotations

import asyncio
import heapq
from contextlib import contextmanager
from contextvars import Context, ContextVar, copy_context
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar, TypeVarTuple, Unpack

if TYPE_CHECKING:
    import random
    from collections.abc import Awaitable, Callable, Coroutine, Iterator

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
OWNER: ContextVar[Owner | None] = ContextVar("owner", default=None)
"""The simulated process that code belongs to; tasks, timers and callbacks inherit it."""
_FAREWELLS = 100
"""Awaits in the ``finally`` blocks of one abandoned task, at most."""


class Owner(Protocol):
    """A process, as the loop sees it."""

    def admits(self, turn: Turn) -> bool:
        """Whether it goes on with this now; if not, it keeps the turn for later, or is dead."""
        ...

    def works(self, executor: object, work: Callable[[], Any]) -> asyncio.Future[Any]:
        """Run something in a thread of it."""
        ...


class Turn(NamedTuple):
    """One callback that can run: on the loop of its process, or in a thread beside it."""

    handle: asyncio.Handle
    owner: Owner | None
    in_thread: bool


class Deadlock(Exception):
    """Nothing is ready and no timer runs, but somebody still waits."""


class _Abandoned(BaseException):
    """Ends the code of processes that are dead; nothing may catch it for a failure."""


class SeededLoop(asyncio.BaseEventLoop):
    """Runs the tasks of all simulated processes, one callback at a time.

    Args:
        chance: decides what runs next.
        is_orderly: callbacks of one process keep their order, as on a loop of its own; else only the seed counts.

    Attributes:
        steps: callbacks that were run.
        broken: errors that nobody has caught.
    """

    def __init__(self, chance: random.Random, *, is_orderly: bool) -> None:
        self._is_running = self._is_over = False
        super().__init__()
        self.steps = 0
        self.broken: list[str] = []
        self._chance = chance
        self._is_orderly = is_orderly
        self._now = 0.0
        self._turns: list[Turn] = []
        self._timers: list[tuple[float, int, Turn]] = []
        self._made = 0
        self._begun: list[asyncio.Task[Any]] = []

    # What runs next

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """Run until this has ended.

        Raises:
            Deadlock: it never will.
        """
        with self._running():
            task: asyncio.Task[T] = self.create_task(main)
            while not task.done():
                self._step()
        return task.result()

    def _step(self) -> None:
        ready, timers = self._turns, self._timers
        while timers and timers[0][2].handle.cancelled():
            heapq.heappop(timers)
        if not ready and timers:
            self._now = max(self._now, timers[0][0])
        while timers and timers[0][0] <= self._now:
            ready.append(heapq.heappop(timers)[2])
        if not ready:
            raise Deadlock(f"at {self._now:.3f} s nothing is left to do, but these wait: {self._waiting()}")
        turn = self._picked()
        if not turn.handle.cancelled() and (turn.owner is None or turn.owner.admits(turn)):
            self.steps += 1
            turn.handle._run()

    def _picked(self) -> Turn:
        ready = self._turns
        index = int(self._chance.random() * len(ready)) if len(ready) > 1 else 0
        if self._is_orderly and index:
            chosen = ready[index]
            index = next(
                place
                for place, turn in enumerate(ready)
                if turn.owner is chosen.owner and turn.in_thread is chosen.in_thread
            )
        return ready.pop(index)

    def give_back(self, turns: list[Turn]) -> None:
        """What a process had kept can run now."""
        self._turns += turns

    def _waiting(self) -> str:
        return ", ".join(f"{task.get_name()} ({task.get_coro()})" for task in self._begun if not task.done())

    @contextmanager
    def _running(self) -> Iterator[None]:
        asyncio._set_running_loop(self)
        self._is_running = True
        try:
            yield
        finally:
            self._is_running = False
            asyncio._set_running_loop(None)

    def end(self) -> None:
        """Unwind what still waits, so that no ``finally`` runs later, when it is collected. Nothing is run for it."""
        self._is_over = True
        with self._running():
            for task in self._begun:
                if not task.done():
                    task._log_destroy_pending = False  # type: ignore[attr-defined]
                    self._unwind(task.get_coro())
                elif not task.cancelled() and task._log_traceback:
                    self.broken.append(f"{task.get_name()}: {task.exception()!r}")
        self._begun.clear()
        self._turns.clear()
        self._timers.clear()

    @staticmethod
    def _unwind(coroutine: Any) -> None:
        for _ in range(_FAREWELLS):
            try:
                coroutine.throw(_Abandoned())
            except (_Abandoned, StopIteration):
                return
            except Exception as error:  # noqa: BLE001 - whatever dead code makes of its end, it is one
                del error
                return

    # What asyncio asks of a loop

    def time(self) -> float:
        return self._now

    def call_soon(
        self, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        context = context if context is not None else copy_context()
        handle = asyncio.Handle(callback, args, self, context)
        if not self._is_over:
            self._turns.append(Turn(handle, context.get(OWNER), in_thread=False))
        return handle

    call_soon_threadsafe = call_soon

    def call_later(
        self, delay: float, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self._at(when, callback, args, context if context is not None else copy_context(), in_thread=False)

    def call_in_thread(self, delay: float, callback: Callable[[], object], context: Context) -> None:
        """Run something beside the loop of its process, which may be blocked then."""
        self._at(self._now + delay, callback, (), context, in_thread=True)

    def _at(
        self, when: float, callback: Callable[..., object], args: tuple[Any, ...], context: Context, *, in_thread: bool
    ) -> asyncio.TimerHandle:
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        if not self._is_over:
            self._made += 1
            heapq.heappush(self._timers, (when, self._made, Turn(timer, context.get(OWNER), in_thread)))
        return timer

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """It is dropped when its time has come."""

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def get_task_factory(self) -> Any:
        """Its own: a step of a task is a step of the simulation."""
        return self.create_task

    def create_task(
        self, coro: Any, *, name: object = None, context: Context | None = None, **_: Any
    ) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=self, name=str(name or "a task"), context=context)
        self._begun.append(task)
        return task

    def run_in_executor(self, executor: Any, func: Callable[..., T], *args: Any) -> Awaitable[T]:  # type: ignore[override]
        """No thread is started: it runs in one piece, at a moment of its own."""
        owner = OWNER.get()
        if owner is not None and not self._is_over:
            return owner.works(executor, lambda: func(*args))
        future: asyncio.Future[T] = self.create_future()
        if not self._is_over:
            future.set_result(func(*args))
        return future

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return self._is_running

    def is_closed(self) -> bool:
        return self._is_over

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self.broken.append(f"{context.get('message')}: {context.get('exception')!r}")
