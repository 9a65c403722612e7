"""From free slots to claims, and from claims to running attempts."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

from msgspec.structs import replace

from jobledger._config import MAX_MESSAGE
from jobledger._core.commands import Report, Settle
from jobledger._core.decide import Change, Refusal, Refused
from jobledger._core.help_texts import HelpTexts
from jobledger._core.outcome import Fail
from jobledger._core.priority import Stride
from jobledger._runtime import outcome_log
from jobledger._runtime.attempt import Attempt
from jobledger._runtime.context import Stop
from jobledger._runtime.eager import begin
from jobledger._runtime.joined import Joined
from jobledger._store.contract import Claim, Group, Room
from jobledger._store.intake import SubmitOptions
from jobledger._store.joinable import Joinable
from jobledger._types import SECOND
from jobledger.errors import NotOpen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jobledger._clock import Clock
    from jobledger._core.commands import Running, Submit
    from jobledger._core.decide import Verdict
    from jobledger._core.job import Job
    from jobledger._runtime.registry import Registry
    from jobledger._store.commit import Door
    from jobledger._store.contract import Answer, Claimed, Committed, Prospect
    from jobledger._telemetry.tracing import Tracing
    from jobledger._types import JobId

log = logging.getLogger("jobledger.worker")


class Pool:
    """Slots of one kind: tasks on the loop, or threads."""

    def __init__(self, slots: int, *, is_async: bool) -> None:
        """All free."""
        self.slots = slots
        self.is_async = is_async
        self.used = 0
        self.stride = Stride()


class Dispatcher:
    """A :class:`jobledger._store.commit.Claimer` that runs what it claims.

    Args:
        door: where claims come from and settlements go.
        registry: the handlers.
        clock: time and chance.
        slots: how many ``async def`` handlers run at once; ``threads``: how many ``def`` ones.
        submit: builds the children of ``ctx.submit``.

    Attributes:
        ended: what came of this process's attempts, by the transition that was committed.
        unsettled: jobs whose outcome could not be written at all; only a takeover can end them.
        lost: others have taken this worker's jobs over; it claims nothing before :meth:`resume`.
        help_texts: what handlers have said of their own metrics.
    """

    def __init__(
        self,
        door: Door,
        registry: Registry,
        clock: Clock,
        *,
        slots: int,
        threads: int,
        submit: Callable[[str, Mapping[str, object], SubmitOptions], tuple[JobId, Submit]],
        tracing: Tracing,
    ) -> None:
        """Nothing is claimed before :meth:`look`."""
        self.running: dict[int, Attempt] = {}
        self.ended: Counter[str] = Counter()
        self.unsettled: list[str] = []
        self.lost = False
        self.idle = asyncio.Event()
        self.idle.set()
        self._door = door
        self._registry = registry
        self._clock = clock
        self._submit = submit
        self._tracing = tracing
        self._pools = (Pool(slots, is_async=True), Pool(threads, is_async=False))
        self._threads = ThreadPoolExecutor(max(threads, 1), thread_name_prefix="jobledger")
        self._reports: dict[int, Report] = {}
        self._reporting: set[int] = set()
        self._spoken: dict[int, asyncio.Future[None]] = {}
        self._transactions = door.store.transactions() if isinstance(door.store, Joinable) else None
        self._beside: set[tuple[int, int]] = set()
        self.help_texts = HelpTexts()
        self._suspects: set[int] = set()
        self._looking = False
        self._stopping = False
        self._told: Stop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._due: int | None = None
        self._stops = 0
        self._home = contextvars.copy_context()
        self._loop, self._thread = asyncio.get_running_loop(), threading.get_ident()

    def look(self) -> None:
        """There may be ready jobs: look with the next batch, which is now."""
        self._looking = True
        self._door.kick()

    def wants(self) -> bool:
        """Whether a batch should be made only to look."""
        return self._looking

    def ask(self, unsent: int) -> Claim | None:
        """The free slots of each pool, with the types in a new order, so that none is always first.

        A look is a batch even without a free slot: it brings the cancel requests of other processes.
        """
        looking, self._looking = self._looking, False
        self._beside.clear()
        groups: list[Group] = []
        for pool in () if self._stopping else self._pools:
            free = pool.slots - pool.used - unsent
            types = list(self._registry.ids(is_async=pool.is_async))
            types.sort(key=lambda _: self._clock.sample())
            groups.append(Group(tuple(types), max(free, 0) if types else 0, pool.stride))
        suspects = 0 if unsent or self._suspects else 1
        return Claim(tuple(groups), suspects) if looking or any(group.slots for group in groups) else None

    def room(self) -> Room:
        """What another process's commit may have brought that there is room for here."""
        types: list[int] = []
        for pool in () if self._stopping else self._pools:
            types += self._registry.ids(is_async=pool.is_async) if pool.used < pool.slots else ()
        return Room(tuple(types), not self._suspects, self._stops)

    def expect(self, prospect: Prospect) -> None:
        """Look now, or when the next scheduled job becomes due."""
        if prospect.worthwhile:
            self.look()
        elif prospect.next_due != self._due:
            self._wake_at(prospect.next_due, prospect.now)

    def take(self, committed: Committed) -> None:
        """Stop what was cancelled, start what was claimed: last, since handlers may hold the loop before they wait."""
        for pool, stride in zip(self._pools, committed.strides, strict=False):
            pool.stride = stride
        self._stops = len(committed.cancels)
        for key in committed.cancels:
            if key in self.running:
                self.running[key].stop(Stop.CANCEL)
        self._wake_at(committed.next_due, committed.now)
        if committed.more:
            self.look()
        for claimed in committed.claimed:
            known = self.running.get(claimed.job.key)
            if claimed.job.id in self.unsettled or (claimed.job.key, claimed.job.run) in self._beside:
                continue  # what is read back after a lost answer may have these too
            if known is None or known.job.run != claimed.job.run:  # settled, replayed and claimed in one batch
                self._start(claimed)

    def fenced(self) -> None:
        """Others have these jobs now: stop the code as fast as it lets us, and claim nothing before it has stopped."""
        self.lost = self._stopping = True
        self._reports.clear()
        self.stop_all(Stop.RELEASE)

    def resume(self) -> None:
        """Claim again, after a fence, once the old code has stopped."""
        self.lost = self._stopping = False
        self._told = None
        self.look()

    def hold(self) -> None:
        """Claim nothing more."""
        self._stopping = True

    def stop_all(self, why: Stop) -> None:
        """Ask all running attempts to stop, and those that a batch on its way will start."""
        self._told = why
        for attempt in list(self.running.values()):
            attempt.stop(why)

    async def shut(self) -> None:
        """No thread and no transaction is started any more; running ones are not waited for."""
        if self._timer is not None:
            self._timer.cancel()
        self._threads.shutdown(wait=False, cancel_futures=False)
        if self._transactions is not None:
            await self._transactions.close()

    def _start(self, claimed: Claimed) -> None:
        registration = self._registry.of(claimed.job.type_id)
        attempt = Attempt(claimed, registration, self, self._clock, self._threads)
        self.running[claimed.job.key] = attempt
        if claimed.job.losses:
            self._suspects.add(claimed.job.key)
        self._pool_of(attempt).used += 1
        self.idle.clear()
        if self._told is not None:
            attempt.stop(self._told)
        # Not in the context at hand: that may be of somebody in this process who submits.
        attempt.task = begin(self._run(attempt), self._home.copy())

    async def _run(self, attempt: Attempt) -> None:
        attempt.task = asyncio.current_task()  # at once: whoever looks what blocks the loop can't wait
        execution = attempt.execution = self._tracing.execution(attempt.job, attempt.registration.name)
        with execution.current():
            ended = await attempt.run()
        execution.stopped()
        if ended is None:
            execution.lost("its worker ended while its code ran on")
            return
        verdict = None
        if attempt.signals.joined is not None:
            ended, verdict = await attempt.signals.joined.end(ended, lambda: self._words_written(attempt.job.key))
        self._suspects.discard(attempt.job.key)
        last = self._reports.pop(attempt.job.key, None)
        self._pool_of(attempt).used -= 1
        if verdict is not None:
            self._completed(attempt, ended, verdict)
            return
        try:
            if last is not None:
                self._door.post(last, lambda _: None)
            self._post(attempt, ended)
        except NotOpen:
            attempt.execution.lost("it ended after its worker had closed")
            log.warning("job %s ended after its worker had closed: it will run again", ended.job_id)

    def _completed(self, attempt: Attempt, ended: Running, verdict: Verdict) -> None:
        """The job was completed in its handler's own transaction, beside the door."""
        self._beside.add((attempt.job.key, attempt.job.run))
        self._door.changed(ended.job_id)
        self._settled(attempt, ended, verdict, plain=False)
        self.look()

    def _post(self, attempt: Attempt, ended: Running, *, plain: bool = False) -> None:
        self._door.post(ended, lambda answer: self._settled(attempt, ended, answer, plain=plain))

    def _settled(self, attempt: Attempt, ended: Running, answer: Answer | BaseException, *, plain: bool) -> None:
        if isinstance(answer, BaseException):
            if isinstance(ended, Settle) and not plain:
                # Something in its outcome is poison: a plain dead letter says so, where processing would hide it.
                self._post(attempt, _plain(ended, answer), plain=True)
                return
            log.critical("job %s can't be settled: it stays in processing until this process ends", ended.job_id)
            self.unsettled.append(ended.job_id)
        if self.running.get(attempt.job.key) is attempt:
            del self.running[attempt.job.key]
        if not self.running:
            self.idle.set()
        if attempt.job.losses:
            self.look()  # one suspect at a time: now the next one may start
        if isinstance(answer, Change) and answer.event is not None:
            self.ended[answer.event.name] += 1
            outcome_log.tell(attempt.context, answer.event)
        elif isinstance(answer, Refusal) and answer.why is Refused.STALE:
            outcome_log.tell_refused(attempt.context)
        self._trace(attempt, answer)

    def _trace(self, attempt: Attempt, answer: Answer | BaseException) -> None:
        if not isinstance(answer, Change):
            attempt.execution.lost("nothing that it came to could be written: others have its job, or will have it")
            return
        said = outcome_log.brief_error(answer.event) if answer.event is not None else ""
        attempt.execution.settled(answer.event, answer.job.due_at, attempt.raised, said)

    def _pool_of(self, attempt: Attempt) -> Pool:
        return self._pools[0 if attempt.registration.is_async else 1]

    def child(self, type_name: str, payload: Mapping[str, object], options: SubmitOptions) -> tuple[JobId, Submit]:
        """See :class:`jobledger._runtime.context.Runtime`."""
        return self._submit(type_name, payload, options)

    def joined(self, *, is_async: bool) -> Joined:
        """See :class:`jobledger._runtime.context.Runtime`."""
        return Joined(self._transactions, is_async=is_async, sample=self._clock.sample)

    def report(self, job: Job, percent: float, message: str) -> None:
        """See :class:`jobledger._runtime.context.Runtime`. From any thread."""
        bounded = min(max(0.0, float(percent)), 100.0)
        text = str(message)[:MAX_MESSAGE].encode("utf-8", "replace").decode()
        report = Report(job.id, job.key, job.run, job.writer_id or 0, bounded, text)
        if threading.get_ident() == self._thread:
            self._report(report)
        else:
            with suppress(RuntimeError):  # the loop has closed, and this thread lives on
                self._loop.call_soon_threadsafe(self._report, report)

    def _report(self, report: Report) -> None:
        """One word of each job is on its way at a time; of those that come meanwhile only the latest follows."""
        attempt = self.running.get(report.key)
        if attempt is not None and attempt.job.run == report.run and attempt.is_running:
            self._reports[report.key] = report
            self._send_report(report.key)

    def _send_report(self, key: int) -> None:
        latest = None if key in self._reporting else self._reports.pop(key, None)
        if latest is not None:
            self._reporting.add(key)
            try:
                self._door.post(latest, lambda _: self._reported(key))
            except NotOpen:  # code that outlives its worker may go on talking; nobody can write it down
                self._reporting.discard(key)

    def _reported(self, key: int) -> None:
        self._reporting.discard(key)
        self._send_report(key)
        spoken = self._spoken.pop(key, None)
        if spoken is not None and not spoken.done():
            spoken.set_result(None)

    async def _words_written(self, key: int) -> None:
        """Its progress first: what is written of it after the job has ended would count as stale."""
        while key in self._reporting:
            self._spoken[key] = asyncio.get_running_loop().create_future()
            await self._spoken[key]

    def _wake_at(self, due: int | None, now: int) -> None:
        self._due = due
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if due is not None:
            delay = max(due - now, 0) / SECOND
            self._timer = asyncio.get_running_loop().call_later(delay + 0.001, self.look)


def _plain(ended: Settle, error: BaseException) -> Settle:
    outcome = Fail(f"its outcome could not be written: {error!r}"[:MAX_MESSAGE])
    return replace(ended, outcome=outcome, result=None, children=(), metrics=())
