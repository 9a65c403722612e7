"""App: the composition root, the only module that knows all the others."""

from __future__ import annotations

import asyncio
import math
import os
import socket
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from jobledger._clock import Clock, SystemClock
from jobledger._config import (
    DEFAULT_GRACE_SECONDS,
    DEFAULT_LEASE_SECONDS,
    DEFAULT_SLOTS,
    LABEL_BUDGET,
    LEAST_LEASE_SECONDS,
    RETENTION_SECONDS,
    URL_VARIABLE,
)
from jobledger._core.commands import Count
from jobledger._runtime.bridge import Bridge, bridge
from jobledger._runtime.checked import check_sizes, checked_boundaries
from jobledger._runtime.decorator import Decorator
from jobledger._runtime.dispatcher import Dispatcher
from jobledger._runtime.handler import Handler
from jobledger._runtime.node import Node
from jobledger._runtime.process import measured
from jobledger._runtime.push import Pusher, pusher_of
from jobledger._runtime.registry import Registration, Registry, TypeOptions
from jobledger._runtime.threads import Threads
from jobledger._store.commit import Door
from jobledger._store.contract import Enlistment
from jobledger._store.intake import Options, SubmitOptions, seconds_of
from jobledger._store.known import KnownTypes
from jobledger._store.open import open_store, schema_of
from jobledger._telemetry.tracing import tracing_of
from jobledger._types import OnRetry, micros
from jobledger.errors import InvalidOption, NotOpen, StoreReadOnly
from jobledger.jobs import JobService
from jobledger.metrics import MetricsService

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping
    from contextlib import AbstractContextManager
    from types import TracebackType
    from typing import Self

    from jobledger._core.commands import Submit, UserDelta
    from jobledger._core.observations import Observation
    from jobledger._core.reads import AuditRead, LedgerRead
    from jobledger._telemetry.settings import Telemetry
    from jobledger._types import JobId

_inherited: list[object] = []
"""What a forked child has of its parent, and must neither use nor close."""


class App:
    """Jobs, books and handlers on one store.

    Args:
        url: ``sqlite:///file.db`` or ``postgresql://user@host/database``; None takes ``JOBLEDGER_URL``.
        boundaries: the ladder of the histograms in seconds: a new store gets it, an old one must have it.
        retention: seconds that ended jobs are kept, ``math.inf`` for ever (dead letters always are).
        read_only: never create, migrate or write anything.
        migrate: make or migrate a PostgreSQL schema when it is opened; else `jobledger migrate` does it. An SQLite file
            always is.
        telemetry: what goes to OpenTelemetry; None: nothing.
        clock: time, chance and ids; a simulation brings its own.

    Attributes:
        boundaries: the ladder that was asked for; None: the store's own.
        jobs: the JobService.
        metrics: the MetricsService.

    Example:
        >>> app = App("sqlite:///jobs.db")
        >>> @app.job("email.send", priority="high", timeout=30)
        ... async def send(ctx: Context, *, to: str) -> str:
        ...     return f"sent to {to}"
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        boundaries: tuple[float, ...] | None = None,
        retention: float = RETENTION_SECONDS,
        read_only: bool = False,
        migrate: bool = False,
        telemetry: Telemetry | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Nothing is opened before ``async with app``."""
        self.url = url or os.environ.get(URL_VARIABLE, "")
        self._clock: Clock = clock or SystemClock()
        self.boundaries = checked_boundaries(boundaries)
        self._retention = retention if retention == math.inf else seconds_of(retention, "retention")
        self._read_only = read_only
        self._migrate = migrate and not read_only
        self._simulated = clock is not None and not isinstance(clock, SystemClock)
        self._telemetry = telemetry
        self._tracing = tracing_of(telemetry)
        self._registry = Registry()
        self._known = KnownTypes()
        self._door: Door | None = None
        self._threads = Threads(self._opened_door)
        self._node: Node | None = None
        self._opened = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._turn = asyncio.Lock()
        self._pid = os.getpid()
        self._enlisting = self._client()
        self.jobs = JobService(
            self._opened_door, self._threads.read, self._clock, self._known,
            refresh=self._refresh, check=self._registry.check, schema=self._schema, tracing=self._tracing,
        )  # fmt: skip
        self.metrics = MetricsService(
            self._ledger, self._audit, self._count, lambda: measured(self._door, self._node), self._exemplars
        )

    @property
    def handled(self) -> tuple[str, ...]:
        """The names of the types that this App has handlers for."""
        return tuple(registration.name for registration in self._registry)

    def job(
        self,
        name: str,
        *,
        priority: str = "normal",
        timeout: float | None = None,
        max_attempts: int = 10,
        max_losses: int = 3,
        retry_base: float = 1.0,
        retry_factor: float = 2.0,
        retry_cap: float = 600.0,
        on_retry: OnRetry = "block",
    ) -> Decorator:
        """Register a handler for a type.

        Args:
            name: the type's name, as submits use it.
            priority: critical, high, normal or low, for submits that don't say.
            timeout: seconds that one attempt may take; a thread is asked to stop, it can't be killed.
            max_attempts: failed attempts before a job is dead-lettered.
            max_losses: lost workers before a job is dead-lettered.
            retry_base: seconds of back-off after the first failure, at most (full jitter).
            retry_factor: growth of the back-off per failure.
            retry_cap: seconds that no back-off exceeds.
            on_retry: ``"block"`` keeps the entity waiting during a back-off (for minutes, if need be: order is kept);
                ``"step-aside"`` lets its next job go first.

        Raises:
            InvalidOption: the name is taken, or an option is out of its range.
        """
        options = TypeOptions(
            priority=priority, timeout=timeout, max_attempts=max_attempts, max_losses=max_losses, retry_base=retry_base,
            retry_factor=retry_factor, retry_cap=retry_cap, on_retry=on_retry,
        )  # fmt: skip

        def register(function: Callable[..., Any]) -> Handler[..., Any]:
            registration = Registration(name, function, options)
            self._registry.add(registration)
            return Handler(function, registration, self.jobs)

        return Decorator(register)

    async def declare(
        self,
        name: str,
        *,
        priority: str = "normal",
        timeout: float | None = None,
        max_attempts: int = 10,
        max_losses: int = 3,
    ) -> None:
        """Make a type known without a handler, so that it can be submitted from here.

        Raises:
            InvalidOption: an option is out of its range.
        """
        options = TypeOptions(priority=priority, timeout=timeout, max_attempts=max_attempts, max_losses=max_losses)
        declared = options.declared(name)
        door = self._opened_door()
        self._check_writable()
        self._known.learn(await door.run(lambda: door.store.declare((declared,), LABEL_BUDGET)))

    async def __aenter__(self) -> Self:
        """Open as a client: submits and asks, runs nothing."""
        self._settle_here()
        self._belong_here()
        async with self._turn:
            if self._door is None:
                try:
                    await self._open()
                except BaseException:
                    await self._close(retire=False)
                    raise
            self._opened += 1
        return self

    def _belong_here(self) -> None:
        """One loop after the other may use an App, but not two at once."""
        loop = asyncio.get_running_loop()
        if self._loop is loop:
            return
        if self._loop is None:
            self._loop, self._turn = loop, asyncio.Lock()
            return
        if self._door is not None:
            raise NotOpen("this App is open in another event loop: use app.blocking() there, or an App of its own here")
        self._loop, self._turn = loop, asyncio.Lock()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write what is queued, fold the books of this process, close."""
        self._settle_here()
        self._opened = max(self._opened - 1, 0)
        async with self._turn:
            if self._opened == 0 and self._door is not None:
                await self._close(retire=True)

    @asynccontextmanager
    async def worker(
        self,
        *,
        slots: int = DEFAULT_SLOTS,
        threads: int | None = None,
        grace: float = DEFAULT_GRACE_SECONDS,
        lease: float = DEFAULT_LEASE_SECONDS,
    ) -> AsyncGenerator[Node]:
        """Run jobs in this process, until the block is left.

        Args:
            slots: ``async def`` handlers at once.
            threads: ``def`` handlers at once; None: twice the cores.
            grace: seconds that running jobs get to end when the block is left; then they are stopped and released.
            lease: seconds of silence (a frozen process, a loop that is blocked for a minute) after which other
                workers take this one's jobs over. Death is seen within a second or two, whatever the lease.

        Raises:
            InvalidOption: no handler is registered, or there are no slots.
            WorkerStuck: code still ran at the end of the grace time, or seconds after others had taken its job over;
                then the block was interrupted. End the process.
            StoreError: the block was interrupted, because the worker can't go on: ``SchemaTooNew``, ``DiskFailed``.
        """
        if not len(self._registry):
            message = "this App has no handlers: register some with @app.job(…) before starting a worker"
            raise InvalidOption(message)
        threads = threads if threads is not None else 2 * (os.cpu_count() or 1)
        check_sizes(slots=(slots, 1), threads=(threads, 0), grace=(grace, 0), lease=(lease, LEAST_LEASE_SECONDS))
        async with self:
            door = self._opened_door()
            if any(registration.type is None for registration in self._registry):
                await self._declare()  # some were registered since this App was opened
            pusher = await self._pusher(door)
            if self._node is not None:
                message = "this App runs a worker already: give that one more slots, or use another App"
                raise InvalidOption(message)
            types = (*self._registry.ids(is_async=True), *(self._registry.ids(is_async=False) if threads else ()))
            who = Enlistment("worker", socket.gethostname(), os.getpid(), slots + threads, types, micros(lease))
            self._enlisting = who
            dispatcher = Dispatcher(
                door, self._registry, self._clock,
                slots=slots, threads=threads, submit=self._child, tracing=self._tracing,
            )  # fmt: skip
            node = Node(
                door, dispatcher, self._threads.read, self._threads.audit, self._refresh, self._clock,
                retention=self._retention, lease=lease, pusher=pusher,
            )  # fmt: skip
            self._node = node
            try:
                await node.start()
                with node.attended():
                    yield node
            finally:
                await self._stop(node, door, grace)

    async def _stop(self, node: Node, door: Door, grace: float) -> None:
        """A client again; but a worker whose code still runs keeps its writer until its process ends."""
        try:
            await node.stop(grace)
        finally:
            self._node = None
        self._enlisting = self._client()
        if self._opened > 1:
            await door.reenlist()

    def blocking(self) -> AbstractContextManager[Bridge]:
        """Use this App from synchronous code: a script, Flask, Django.

        Opens it on a loop in a thread of its own; what the block is given runs one coroutine at a call.

        Example:
            >>> with app.blocking() as run:  # doctest: +SKIP
            ...     job_id = run(app.jobs.submit("email.send", {"to": "a@b.c"}))
        """
        return bridge(self)

    async def _open(self) -> None:
        self._start()
        if self._read_only:
            await self._refresh()
        else:
            await self._declare()

    def _start(self) -> None:
        if not self.url:
            message = f"this App has no store: App('sqlite:///jobs.db'), or set {URL_VARIABLE}"
            raise InvalidOption(message)
        self._pid = os.getpid()
        store = open_store(
            self.url, self._clock.now, self.boundaries, migrating=self._migrate, simulated=self._simulated
        )
        self._threads.open()
        self._enlisting = self._client()
        self._door = Door(store, self._threads.write, self._who)

    async def _declare(self) -> None:
        store = self._opened_door().store
        declarations = tuple(registration.declaration for registration in self._registry)
        types = await self._threads.write(lambda: store.declare(declarations, LABEL_BUDGET))
        self._known.learn(types)
        self._registry.bind(types)

    async def _close(self, *, retire: bool) -> None:
        door = self._door
        try:
            if door is not None:
                try:
                    await door.close(retire=retire)
                finally:
                    await self._threads.write(door.store.close)
        finally:
            self._door = None
            self._threads.shut()

    def _who(self) -> Enlistment:
        self._check_writable()
        return self._enlisting

    def _check_writable(self) -> None:
        if self._read_only:
            raise StoreReadOnly(
                "this App was opened to read only: use App(url) without read_only=True to change anything"
            )

    def _schema(self) -> str:
        self._check_writable()
        return schema_of(self.url)

    @staticmethod
    def _client() -> Enlistment:
        return Enlistment("client", socket.gethostname(), os.getpid())

    def _settle_here(self) -> None:
        """After a fork: threads, connections and the writer are the parent's, so the child gets its own."""
        if self._door is not None and self._pid != os.getpid():
            _inherited.append((self._door, self._node))
            self._node = self._loop = None
            self._opened, self._turn = 0, asyncio.Lock()
            self._start()

    def _opened_door(self) -> Door:
        self._settle_here()
        if self._door is None:
            message = "this App is not open: use it inside `async with app:` or `async with app.worker():`"
            raise NotOpen(message)
        return self._door

    async def _refresh(self) -> None:
        store = self._opened_door().store
        self._known.learn(await self._threads.read(store.types))

    async def _ledger(self) -> LedgerRead:
        return await self._threads.books(self._opened_door().store.ledger)

    async def _exemplars(self, limit: int) -> tuple[Observation, ...]:
        return await self._threads.read(lambda: self._opened_door().store.exemplars(limit))

    async def _pusher(self, door: Door) -> Pusher | None:
        """OpenTelemetry's SDK takes its time to be imported, and others may be at work on this loop."""
        make = partial(pusher_of, self._telemetry, door, self._ledger, self._exemplars, self._clock)
        return None if self._telemetry is None else await asyncio.to_thread(make)

    async def _audit(self) -> AuditRead:
        return await self._threads.audit(self._opened_door().store.audit)

    async def _count(self, metrics: tuple[UserDelta, ...]) -> None:
        await self._opened_door().send(Count(metrics))

    def _child(self, type_name: str, payload: Mapping[str, object], options: SubmitOptions) -> tuple[JobId, Submit]:
        return self.jobs.build(type_name, payload, Options.of(options))
