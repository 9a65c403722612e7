"""The door: the only way to write. What waits while one batch commits goes into the next; there are no timers."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING

from jobledger._config import MAX_BATCH
from jobledger._core.commands import SubmitAll
from jobledger._core.decide import Change, Refusal, Refused
from jobledger._store.contract import Batch
from jobledger._store.entry import Entry
from jobledger._store.gauge import DoorGauge
from jobledger.errors import CommitUnknown, Fenced, JobledgerError, NotOpen, OutcomeUnknown, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from jobledger._core.commands import Command, Running
    from jobledger._store.claimer import Claimer
    from jobledger._store.contract import Answer, Claim, Committed, Enlistment, Store
    from jobledger._store.run import Run

log = logging.getLogger("jobledger.door")
_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 2.0
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
    """

    def __init__(self, store: Store, run: Run, enlist: Callable[[], Enlistment]) -> None:
        """Nothing is written before the first command."""
        self.store = store
        self.run = run
        self.gauge = DoorGauge()
        self.claimer: Claimer | None = None
        self.writer_id: int | None = None
        self._enlist = enlist
        self._number = 0
        self._settlements: deque[Entry] = deque()
        self._commands: deque[Entry] = deque()
        self._watchers: dict[str, list[asyncio.Future[None]]] = {}
        self._serving: asyncio.Task[None] | None = None
        self._passing: asyncio.Future[None] | None = None
        self._whole_next = False
        self._closed = False
        self._kept = False
        self._enlisting = asyncio.Lock()
        self._pause = _FIRST_PAUSE

    async def send(self, command: Command) -> Answer:
        """Write a command and wait until it is durable.

        Raises:
            StoreError: nothing was written.
            NotOpen: the door is closed.
        """
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

        def tell(answer: Answer | BaseException) -> None:
            if answered.done():
                return
            if isinstance(answer, BaseException):
                answered.set_exception(answer)
            else:
                answered.set_result(answer)

        self._put(self._commands, Entry(command, tell))
        return await answered

    def post(self, command: Running, tell: Callable[[Answer | BaseException], None]) -> None:
        """Write what a running attempt says; goes before what others submit, and is kept until it is written."""
        self._put(self._settlements, Entry(command, tell))

    def kick(self) -> None:
        """There may be something to do: serve, unless that is going on."""
        if self._serving is None or self._serving.done():
            self._serving = asyncio.get_running_loop().create_task(self._serve(), name="jobledger door")
            self._serving.add_done_callback(self._served)

    def watch(self, job_id: str) -> asyncio.Future[None]:
        """A future that ends at the next change that this process makes to a job."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._watchers.setdefault(job_id, []).append(future)
        return future

    def unwatch(self, job_id: str, future: asyncio.Future[None]) -> None:
        """Stop watching."""
        waiting = self._watchers.get(job_id, [])
        if future in waiting:
            waiting.remove(future)
        if not waiting:
            self._watchers.pop(job_id, None)

    async def reenlist(self) -> None:
        """Become another kind of writer (a client that starts to run jobs): the old one is retired first.

        A batch that slips in between is fenced, and sent again under the new writer.
        """
        await self.through()
        old, self.writer_id = self.writer_id, None
        if old is not None and not self._kept:
            await self.run(lambda: self.store.retire(old))
        self._kept = False
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
        if self.writer_id is not None and retire and not self._kept:
            writer_id, self.writer_id = self.writer_id, None
            await self.run(lambda: self.store.retire(writer_id))

    def _put(self, queue: deque[Entry], entry: Entry) -> None:
        if self._closed:
            message = "this App is closed: use it inside `async with app:`"
            raise NotOpen(message)
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
        while self._settlements or self._commands or (self.claimer is not None and self.claimer.wants()):
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

    async def _pass(self, entries: list[Entry]) -> None:
        try:
            writer_id = await self._registered()
        except JobledgerError as error:
            await self._refused(entries, error)
            return
        claim = await self._claim()
        if entries or claim is not None:
            batch = Batch(writer_id, self._number + 1, tuple(entry.command for entry in entries), claim)
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
            await self._rest()
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
        except _Unresolved:
            self._unresolved(batch, entries)
        except StoreError as error:
            await self._refused(entries, error)
        except Exception as error:  # noqa: BLE001 - whoever sent the culprit is told; the others are served
            await self._isolate(batch, entries, error)
        else:
            self._deliver(batch, entries, committed)

    async def _commit(self, batch: Batch) -> Committed:
        """Commit, and find out what happened when the answer was lost."""
        with self.gauge.timed(len(batch.commands)):
            try:
                return await self.run(lambda: self.store.commit(batch))
            except CommitUnknown:
                log.warning("the answer of batch %d is lost: reading it back", batch.number)
        while True:
            try:
                recalled = await self._recall(batch)
                if recalled is None:
                    return await self.run(lambda: self.store.commit(batch))
            except StoreError as error:
                log.warning("batch %d can't be read back yet: %s", batch.number, error)
                await self._rest()
            else:
                if self.claimer is not None:
                    self.claimer.look()  # what a lost answer said of cancels and due times, the next one says again
                return recalled

    async def _recall(self, batch: Batch) -> Committed | None:
        try:
            return await self.run(lambda: self.store.recall(batch))
        except Fenced as error:
            raise _Unresolved from error

    def _deliver(self, batch: Batch, entries: list[Entry], committed: Committed) -> None:
        self._number = batch.number
        self._pause = _FIRST_PAUSE
        if self.claimer is not None:
            try:
                self.claimer.take(committed)
            except Exception as error:
                log.critical("claimed jobs were not started; this is a bug", exc_info=error)
        for entry, answer in zip(entries, committed.answers, strict=True):
            if self._watchers and isinstance(answer, Change):
                self._wake(answer.job.id)
            entry.tell(answer)

    def _wake(self, job_id: str) -> None:
        for future in self._watchers.pop(job_id, []):
            if not future.done():
                future.set_result(None)

    def _fenced(self, batch: Batch, entries: list[Entry]) -> None:
        """Nothing of the batch was applied: running attempts are lost, all else is sent again under a new writer."""
        if self.writer_id == batch.writer_id:
            log.error("writer %s was fenced: its running jobs belong to others now", self.writer_id)
            self.writer_id = None
        lost = [*self._settlements, *(entry for entry in entries if entry.is_running)]
        self._settlements.clear()
        self._commands.extendleft(reversed([entry for entry in entries if not entry.is_running]))
        if self.claimer is not None:
            self.claimer.fenced()
        for entry in lost:
            entry.tell(Refusal(Refused.STALE))

    def _unresolved(self, batch: Batch, entries: list[Entry]) -> None:
        """Whether the batch was applied can't be found out: neither is claimed."""
        self._fenced(batch, [entry for entry in entries if entry.is_running])
        for entry in entries:
            if not entry.is_running:
                entry.tell(OutcomeUnknown(entry.job_id))

    async def _refused(self, entries: list[Entry], error: Exception) -> None:
        """The store can't write now: callers are told, settlements wait until it can."""
        log.warning("nothing was written, trying again in %.2f s: %s", self._pause, error)
        self._settlements.extendleft(reversed([entry for entry in entries if entry.is_running]))
        for entry in entries:
            if not entry.is_running:
                entry.tell(error)
        if self.claimer is not None:
            self.claimer.look()
        if self._settlements or self.claimer is not None:
            await self._rest()

    async def _rest(self) -> None:
        """A pause before it is tried again, longer each time; what is written ends it."""
        await asyncio.sleep(self._pause)
        self._pause = min(self._pause * 2, _LONGEST_PAUSE)

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
                await self._rest()
        left = deque(entries)
        self._pause = _FIRST_PAUSE
        while left and self.writer_id == batch.writer_id and self._pause == _FIRST_PAUSE:
            entry = left.popleft()
            await self._write(Batch(batch.writer_id, self._number + 1, (entry.command,)), [entry])
        self._put_back(left)

    def _put_back(self, left: Iterable[Entry]) -> None:
        """In front again, in their order, but behind a settlement that was refused just before them."""
        refused = [self._settlements.popleft()] if self._settlements and self._pause > _FIRST_PAUSE else []
        entries = list(left)
        self._settlements.extendleft(reversed([*refused, *(entry for entry in entries if entry.is_running)]))
        self._commands.extendleft(reversed([entry for entry in entries if not entry.is_running]))


class _Unresolved(Exception):
    """The writer of a batch of unknown outcome is gone, or has gone on."""
