"""The door: the only way to write. What waits while one batch commits goes into the next; there are no timers."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from jobledger._config import MAX_BATCH
from jobledger._core.commands import SubmitAll
from jobledger._core.decide import Change, Refusal, Refused
from jobledger._store.contract import Batch
from jobledger._store.entry import Entry, answering
from jobledger._store.gauge import DoorGauge
from jobledger._store.patience import Patience
from jobledger._store.prompt import Prompt
from jobledger._store.resolver import Resolver, Unresolved
from jobledger._store.watchers import Watchers
from jobledger.errors import Fenced, JobledgerError, NotOpen, OutcomeUnknown, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from jobledger._core.commands import Command, Running
    from jobledger._store.claimer import Claimer
    from jobledger._store.contract import Answer, Claim, Committed, Enlistment, Store
    from jobledger._store.run import Run

T = TypeVar("T")
log = logging.getLogger("jobledger.door")
_LAST_SECONDS = 5.0
"""How long a door that closes waits for a store that can't write."""


class Door:
    """Group commit for one process.

    Args:
        store: where batches go.
        run: how its functions are run.
        enlist: who this process is; asked again after a fence.

    Attributes:
        claimer: the dispatcher, while a worker runs in this process.
        writer_id: the current writer, or None before the first batch and after a fence.
        broken: why nothing can be written any more, ever; None while it can.
        run: runs the store's functions; see :meth:`guarded`.
    """

    def __init__(self, store: Store, run: Run, enlist: Callable[[], Enlistment]) -> None:
        """Nothing is written before the first command."""
        self.store = store
        self._prompt = store if isinstance(store, Prompt) else None
        self.run = self.guarded(run)
        self.gauge = DoorGauge()
        self.claimer: Claimer | None = None
        self.writer_id: int | None = None
        self.broken: StoreError | None = None
        self._enlist = enlist
        self._number = 0
        self._settlements: deque[Entry] = deque()
        self._commands: deque[Entry] = deque()
        self._watchers = Watchers()
        self._serving: asyncio.Task[None] | None = None
        self._passing: asyncio.Future[None] | None = None
        self._whole_next = False
        self._closed = False
        self._kept = False
        self._enlisting = asyncio.Lock()
        self._patience = Patience()
        self._resolver = Resolver(
            self._committed,
            lambda batch: self.run(lambda: self.store.recall(batch)),
            self._patience,
            lambda: self.broken is not None,
        )

    async def send(self, command: Command) -> Answer:
        """Write a command and wait until it is durable.

        Raises:
            StoreError: nothing was written.
            OutcomeUnknown: it may be written, or not.
            NotOpen: the door is closed.
        """
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._put(self._commands, Entry(command, answering(answered)))
        return await answered

    def post(self, command: Running, tell: Callable[[Answer | BaseException], None]) -> None:
        """Write what a running attempt says; goes before what others submit, and is kept until it is written."""
        self._put(self._settlements, Entry(command, tell))

    def kick(self) -> None:
        """There may be something to do: serve, unless that is going on."""
        if self.broken is None and (self._serving is None or self._serving.done()):
            self._serving = asyncio.get_running_loop().create_task(self._serve(), name="jobledger door")
            self._serving.add_done_callback(self._served)

    def watch(self, job_id: str) -> asyncio.Future[None]:
        """A future that ends at the next change that this process makes to a job."""
        return self._watchers.add(job_id)

    def unwatch(self, job_id: str, future: asyncio.Future[None]) -> None:
        """Stop watching."""
        self._watchers.drop(job_id, future)

    def changed(self, job_id: str) -> None:
        """A job has changed in a transaction that did not go through this door."""
        self._watchers.wake(job_id)

    async def reenlist(self) -> None:
        """Become another kind of writer (a client that starts to run jobs): the old one is retired first.

        A batch that slips in between is fenced, and sent again under the new writer.
        """
        await self.through()
        old, self.writer_id = self.writer_id, None
        if old is not None and not self._kept:
            await self._leave(old)
        self._kept = False
        if self.broken is not None:
            raise self.broken
        await self._registered()

    def keep(self) -> None:
        """This writer still has jobs in processing: only a takeover may end it, when its process has ended."""
        self._kept = True

    async def through(self) -> None:
        """Wait for the batch that is being made or committed now, if there is one, and for what it starts."""
        if self._passing is not None:
            await asyncio.wait([self._passing])

    async def drain(self) -> None:
        """Wait until nothing is queued and nothing is being committed."""
        while self._serving is not None and not self._serving.done():
            await asyncio.wait([self._serving])
            if self._settlements or self._commands:
                self.kick()

    async def close(self, *, retire: bool = True) -> None:
        """Write what is queued, then fold this writer's ledger; without ``retire`` a takeover does that."""
        self._closed = True
        drained = asyncio.ensure_future(self.drain())
        await asyncio.wait({drained}, timeout=_LAST_SECONDS if self._kept else None)
        if drained.done():
            drained.result()
        else:
            drained.cancel()
            log.error("%d settlement(s) could not be written: these jobs will run again", len(self._settlements))
            self._settlements.clear()
            if self._serving is not None:
                self._serving.cancel()
                await asyncio.wait([self._serving])
        if self._prompt is not None:
            await self._prompt.leave_here()
        if self.writer_id is not None and retire and not self._kept:
            writer_id, self.writer_id = self.writer_id, None
            await self._leave(writer_id)

    def guarded(self, run: Run) -> Run:
        """Runs like ``run``; but an error that no later try can mend breaks this door."""

        async def guarded(work: Callable[[], T], /) -> T:
            with self._watched():
                return await run(work)

        return guarded

    @contextmanager
    def _watched(self) -> Generator[None]:
        try:
            yield
        except StoreError as error:
            if error.is_final:
                self._break(error)
            raise

    async def _leave(self, writer_id: int) -> None:
        """Retire a writer; where nothing can be written any more, that is left to whoever takes it over."""
        try:
            if self.broken is None:
                await self.run(lambda: self.store.retire(writer_id))
        except StoreError:
            if self.broken is None:
                raise
        if self.broken is not None:
            await self.run(lambda: self.store.abandon(writer_id))

    def _put(self, queue: deque[Entry], entry: Entry) -> None:
        if self._closed:
            raise NotOpen("this App is closed: use it inside `async with app:`")
        if self.broken is not None:
            self._turn_away([entry], self.broken)
            return
        queue.append(entry)
        self.kick()

    async def _registered(self) -> int:
        async with self._enlisting:
            if self.writer_id is None:
                who = self._enlist()
                self.writer_id = await self.run(lambda: self.store.enlist(who))
                self._number = 0
            return self.writer_id

    def _served(self, serving: asyncio.Task[None]) -> None:
        """The loop ends only for want of work; if it broke, nobody must wait for ever."""
        error = None if serving.cancelled() else serving.exception()
        if error is not None:
            log.critical("the door broke; this is a bug", exc_info=error)
            while self._settlements or self._commands:
                (self._settlements or self._commands).popleft().tell(error)

    async def _serve(self) -> None:
        while self.broken is None and self._has_work():
            entries = self._gather()
            passing = self._passing = asyncio.get_running_loop().create_future()
            try:
                await self._pass(entries)
            except Exception as error:
                log.critical("the door broke; this is a bug", exc_info=error)
                await self._refused(entries, error)
            finally:
                self._passing = None
                passing.set_result(None)

    def _has_work(self) -> bool:
        return bool(self._settlements or self._commands) or (self.claimer is not None and self.claimer.wants())

    async def _pass(self, entries: list[Entry]) -> None:
        try:
            writer_id = await self._registered()
        except JobledgerError as error:
            await self._refused(entries, error)
            return
        claim = await self._claim()
        if entries or claim is not None:
            batch = Batch(writer_id, self._number + 1, tuple([entry.command for entry in entries]), claim)
            await self._write(batch, entries)

    async def _claim(self) -> Claim | None:
        """What the claimer wants; a defect in it must not keep others from writing."""
        if self.claimer is None:
            return None
        try:
            return self.claimer.ask(len(self._settlements))
        except Exception as error:
            log.critical("nothing could be claimed; this is a bug", exc_info=error)
            self.claimer.look()
            await self._patience.rest()
            return None

    def _gather(self) -> list[Entry]:
        """What goes into one batch: settlements first, but never so many that commands wait for ever behind them."""
        if self._whole_next or not self._settlements:
            self._whole_next = False
            if self._commands and isinstance(self._commands[0].command, SubmitAll):
                return [self._commands.popleft()]
        most = MAX_BATCH // 2 if self._commands else MAX_BATCH
        entries = [self._settlements.popleft() for _ in range(min(most, len(self._settlements)))]
        while self._commands and len(entries) < MAX_BATCH:
            if isinstance(self._commands[0].command, SubmitAll):
                self._whole_next = True
                break
            entries.append(self._commands.popleft())
        return entries

    async def _write(self, batch: Batch, entries: list[Entry]) -> None:
        try:
            committed = await self._commit(batch)
        except Fenced:
            self._fenced(batch, entries)
        except Unresolved:
            self._unresolved(batch, entries)
        except StoreError as error:
            await self._refused(entries, error)
        except Exception as error:  # noqa: BLE001 - whoever sent the culprit is told; the others are served
            await self._isolate(batch, entries, error)
        else:
            self._deliver(batch, entries, committed)

    async def _committed(self, batch: Batch) -> Committed:
        """On this loop, where the store can do that with this batch; else in its thread."""
        if self._prompt is not None:
            with self._watched():
                committed = await self._prompt.commit_here(batch)
            if committed is not None:
                return committed
        return await self.run(lambda: self.store.commit(batch))

    async def _commit(self, batch: Batch) -> Committed:
        with self.gauge.timed(len(batch.commands)):
            committed, was_lost = await self._resolver.commit(batch)
        if was_lost and self.claimer is not None:
            self.claimer.look()  # what a lost answer said of cancels and due times, the next one says again
        return committed

    def _deliver(self, batch: Batch, entries: list[Entry], committed: Committed) -> None:
        self._number = batch.number
        self._patience.succeeded()
        if self.claimer is not None:
            try:
                self.claimer.take(committed)
            except Exception as error:
                log.critical("claimed jobs were not started; this is a bug", exc_info=error)
        for entry, answer in zip(entries, committed.answers, strict=True):
            if isinstance(answer, Change):
                self._watchers.wake(answer.job.id)
            entry.tell(answer)

    def _fenced(self, batch: Batch, entries: list[Entry], *, applied: bool = False) -> None:
        """Running attempts are lost, all else is sent again under a new writer; ``applied``: the batch may have been.

        What the lost ones said is sent again as nobody's, too, so that the rule-book refuses it, and counts it.
        """
        if self.writer_id == batch.writer_id:
            log.error("writer %s was fenced: its running jobs belong to others now", self.writer_id)
            self.writer_id = None
        waiting, running = [*self._settlements], [entry for entry in entries if entry.is_running]
        self._settlements.clear()
        self._commands.extendleft(reversed([entry for entry in entries if not entry.is_running]))
        self._commands.extend(entry.as_nobodys() for entry in (waiting if applied else [*waiting, *running]))
        if self.claimer is not None:
            self.claimer.fenced()
        for entry in (*waiting, *running):
            entry.tell(Refusal(Refused.STALE))

    def _unresolved(self, batch: Batch, entries: list[Entry]) -> None:
        """Whether the batch was applied can't be found out: neither is claimed."""
        running = [entry for entry in entries if entry.is_running]
        if self.broken is not None:
            self._turn_away(running, self.broken)
        else:
            self._fenced(batch, running, applied=True)
        for entry in entries:
            if not entry.is_running:
                entry.tell(OutcomeUnknown(entry.job_id))

    def _break(self, error: StoreError) -> None:
        """For good: the code that runs is stopped, and whoever waits is told; later ones are told at once."""
        if self.broken is not None:
            return
        log.critical("nothing can be written any more: %s", error)
        self.broken = error
        waiting = [*self._settlements, *self._commands]
        self._settlements.clear()
        self._commands.clear()
        if self.claimer is not None:
            self.claimer.fenced()
        self._turn_away(waiting, error)

    def _turn_away(self, entries: Iterable[Entry], error: Exception) -> None:
        """What running attempts say is lost with this process: others will run these jobs again."""
        for entry in entries:
            entry.tell(Refusal(Refused.STALE) if entry.is_running else error)

    async def _refused(self, entries: list[Entry], error: Exception) -> None:
        """The store can't write now: callers are told, settlements wait until it can."""
        if self.broken is not None:
            self._turn_away(entries, error)
            return
        self._patience.failed("nothing can be written now", error)
        self._settlements.extendleft(reversed([entry for entry in entries if entry.is_running]))
        for entry in entries:
            if not entry.is_running:
                entry.tell(error)
        if self.claimer is not None:
            self.claimer.look()
        if self._settlements or self.claimer is not None:
            await self._patience.rest()

    async def _isolate(self, batch: Batch, entries: list[Entry], error: Exception) -> None:
        """One command is poison, or the claim: each goes alone, so that only its own sender hears of it."""
        if batch.claim is None and len(entries) == 1:
            log.error("a command could not be written", exc_info=error)
            entries[0].tell(error)
            return
        if self.claimer is not None and batch.claim is not None:
            self.claimer.look()
            if not entries:
                log.error("ready jobs could not be claimed", exc_info=error)
                await self._patience.rest()
        left = deque(entries)
        self._patience.refresh()
        while left and self.writer_id == batch.writer_id and self._patience.is_fresh:
            entry = left.popleft()
            await self._write(Batch(batch.writer_id, self._number + 1, (entry.command,)), [entry])
        self._put_back(left)

    def _put_back(self, left: Iterable[Entry]) -> None:
        """In front again, in their order, but behind a settlement that was refused just before them."""
        refused = [self._settlements.popleft()] if self._settlements and not self._patience.is_fresh else []
        entries = list(left)
        self._settlements.extendleft(reversed([*refused, *(entry for entry in entries if entry.is_running)]))
        self._commands.extendleft(reversed([entry for entry in entries if not entry.is_running]))
