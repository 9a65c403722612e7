"""A batch, in one call if it needs no look at rows; else in one transaction that looks first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from jobledger._core import commands as c
from jobledger._core.job import LANES, Lane
from jobledger._core.outcome import Done
from jobledger._store.contract import Answer, Claimed, Committed
from jobledger._store.postgres import arrays
from jobledger._store.postgres.own_series import OwnSeries
from jobledger._store.postgres.work import Held, Work, numbered
from jobledger._store.rows import WIDTH, job_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from jobledger._core.job import Job
    from jobledger._core.priority import Stride
    from jobledger._store.contract import Batch, Claim
    from jobledger._store.postgres.clock import ServerClock
    from jobledger._store.postgres.session import Session
    from jobledger._store.postgres.work import Round
    from jobledger._types import Micros

_JOB: Final = 2
"""Where a job's columns begin in a row that `work` gives back."""
_PAYLOAD: Final = _JOB + WIDTH


class Outcome(msgspec.Struct):
    """What a batch came to, and what the store has to know of it.

    Attributes:
        clock: the server's time at its end.
        left: whether work is left for other workers, or they must hear of something.
        told: whether they have been told with it.
    """

    committed: Committed
    clock: Micros
    left: bool
    told: bool = False


def _left(found: Mapping[int, Job], keys: list[int], ids: list[str]) -> tuple[list[int], list[str]]:
    """Of these keys and ids, those that are not among the found."""
    return sorted(set(keys) - set(found)), sorted(set(ids) - {job.id for job in found.values()})


class LooksNeeded(Exception):
    """A row is not what it was taken for."""


class RowTaken(LooksNeeded):
    """Somebody else has a row locked: to be waited for with nothing in hand."""

    def __init__(self, key: int) -> None:
        """Name the job."""
        self.key = key
        super().__init__(key)


def can_be_quick(batch: Batch, running: Mapping[int, Job], own: OwnSeries) -> bool:
    """Whether all rows that the commands are about are known: running jobs of this writer, and new ones."""
    seen: set[int] = set()
    ids: set[str] = set()
    for command in batch.commands:
        match command:
            case c.Settle() | c.Release() | c.Report():
                job = running.get(command.key)
                if job is None or job.run != command.run or command.writer_id != batch.writer_id:
                    return False
                if command.key in seen:
                    return False
                seen.add(command.key)
                if (
                    isinstance(command, c.Settle)
                    and (command.children or command.metrics)
                    and not (_are_plain(command.children, ids) and own.knows(command.metrics))
                ):
                    return False
            case c.Submit():
                if not _are_plain((command,), ids):
                    return False
            case c.SubmitAll():
                if not _are_plain(command.items, ids):
                    return False
            case _:
                return False
    return True


def _are_plain(submits: Iterable[c.Submit], ids: set[str]) -> bool:
    for submit in submits:
        if submit.dedupe is not None or submit.id in ids:
            return False
        ids.add(submit.id)
    return True


class Quick:
    """One call.

    Args:
        runs: whether this writer runs jobs; else it must be told of none.
        word: what others are told with a batch of new jobs; None: nothing.

    Attributes:
        telling: whether they are being told: then an error may come after the commit.
    """

    def __init__(
        self, session: Session, sql: Mapping[str, str], ladder: tuple[Micros, ...], *, runs: bool, word: str | None
    ) -> None:
        self._session = session
        self._sql = sql
        self._ladder = ladder
        self._runs = runs
        self._word = word
        self.telling = False

    async def commit(
        self, batch: Batch, running: Mapping[int, Job], own: OwnSeries, now: Micros, slack: Micros | None
    ) -> tuple[Outcome, Work]:
        """Decide on what is known, and write it."""
        work = Work(now, self._ladder, own)
        work.know(job for job in map(running.get, map(_key_of, batch.commands)) if job is not None)
        answers = [work.execute(command) for command in batch.commands]
        if not self._runs and batch.commands and batch.claim is None and all(map(_is_submit, batch.commands)):
            return await self._accept(batch, work, answers, slack), work
        (first,) = work.rounds
        entities = {
            before.entity for _, before in (*first.saved, *first.ended) if before.entity is not None
        }  # fmt: skip
        found = await self._session.call(
            self._sql["batch"], batch.writer_id, batch.number, now, slack, self._ladder, sorted(entities),
            arrays.arrivals(first.added), arrays.saves(first.saved), arrays.endings(first.ended), arrays.events(first),
            arrays.counts(work.cells), arrays.own_counts(work.cells), sorted(work.completed), work.freed,
            arrays.claim(batch.claim),
        )  # fmt: skip
        return told(found, batch.claim, answers, work), work

    async def _accept(self, batch: Batch, work: Work, answers: list[Answer], slack: Micros | None) -> Outcome:
        added, arrived = work.rounds[0].added, work.arrived
        self.telling = self._word is not None and not self._session.pooled  # a pooler's is within a transaction
        told = (self._session.target.channel, self._word) if self.telling else ()
        ((clock, *numbers),) = (await self._session.call(
            self._sql["accept_and_tell" if self.telling else "accept"], batch.writer_id, batch.number, work.now, slack,
            self._ladder if arrived else None, *arrays.alike(added), arrays.counts(work.cells), arrived, *told,
        ))[0]  # fmt: skip
        keys = dict(zip((job.id for job, _ in added), numbers, strict=True))
        committed = Committed(numbered(answers, keys), (), (), (), None, work.now)
        return Outcome(committed, clock, left=True, told=self.telling)


def _is_submit(command: c.Command) -> bool:
    return isinstance(command, c.Submit | c.SubmitAll)


def _key_of(command: c.Command) -> int:
    return command.key if isinstance(command, c.Settle | c.Release | c.Report) else -1


def told(found: Iterable[Any], claim: Claim | None, answers: Iterable[Answer], work: Work) -> Outcome:
    """What came back."""
    numbers: dict[str, list[int]] = {}
    claimed: list[Claimed] = []
    for row in found:
        if row[0] == "job":
            claimed.append(Claimed(job_of(row, _JOB), row[_PAYLOAD]))
        else:
            numbers[row[0]] = row[1]
    clock, next_due, left, again = numbers["clock"]
    added = [job.id for job, _ in work.rounds[0].added if not job.key]
    keys = dict(zip(added, numbers["added"] or (), strict=False))
    strides = charged(claim, claimed, numbers["waiting"]) if claim is not None else ()
    committed = Committed(
        numbered(answers, keys), tuple(claimed), strides, tuple(numbers["stops"]), next_due, work.now, bool(again)
    )
    return Outcome(committed, clock, bool(left) or work.calls)


def charged(claim: Claim, claimed: list[Claimed], waiting: list[int]) -> tuple[Stride, ...]:
    """The strides after what really started; ``waiting``: four a group, 1 where a priority has more."""
    strides: list[Stride] = []
    for number, group in enumerate(claim.groups):
        stride, types = group.stride.copy(), frozenset(group.types)
        started = [0, 0, 0, 0]
        for one in claimed:
            if one.job.type_id in types:
                started[one.job.priority] += 1
        if any(started):
            flags = waiting[4 * number : 4 * number + 4]
            stride.charge(started, [priority for priority, more in enumerate(flags) if more])
        strides.append(stride)
    return tuple(strides)


class Careful:
    """One transaction of a few statements: fence, lock, look, decide, write."""

    def __init__(self, session: Session, sql: Mapping[str, str], ladder: tuple[Micros, ...]) -> None:
        self._session = session
        self._sql = sql
        self._ladder = ladder

    async def commit(self, batch: Batch, clock: ServerClock, own: OwnSeries) -> tuple[Outcome, Work, OwnSeries]:
        """Look at all rows that the commands are about; the caller begins and ends the transaction."""
        value = self._session.value
        asked = clock.here
        now = clock.learn(await value(self._sql["fence"], batch.writer_id, batch.number), asked)
        keys, ids, submits, counts = addressed(batch.commands)
        own = await self.own_series(counts, own)
        await self.lock_keys(submits, batch.commands)
        locked = await value(self._sql["lock"], keys, ids)
        jobs = await self._load_free(keys, ids)
        due = (await self._session.fetch(self._sql["promote"], now))[0]  # later: who has promoted a row waits for none
        if not {job.key for job in jobs}.isdisjoint(due["o_keys"]):
            jobs = await self._load_free(keys, ids)
        await self._check_boxes(jobs, locked)
        work = await self.prepared(now, jobs, batch.commands, submits, own)
        answers = [work.execute(command) for command in batch.commands]
        found = await self.write(work, batch, due)
        return told(found, batch.claim, answers, work), work, own

    async def prepared(
        self, now: Micros, jobs: list[Job], commands: Iterable[c.Command], submits: list[c.Submit], own: OwnSeries
    ) -> Work:
        """A working set that knows these jobs, the dedupe keys that are wanted, and fresh numbers."""
        replays = sum(isinstance(command, c.Replay) for command in commands)
        wants = len(submits) + replays
        drawn = [row[0] for row in await self._session.fetch(self._sql["draw"], wants)] if wants else []
        work = Work(now, self._ladder, own, iter(drawn).__next__)
        wanted = {(one.type_id, one.dedupe) for one in submits if one.dedupe is not None}
        wanted |= {(job.type_id, job.dedupe) for job in jobs if job.dedupe is not None}
        work.held = await self._held(sorted(wanted))
        work.know(jobs)
        return work

    async def load(self, keys: list[int], ids: list[str], how: str = "_waiting") -> list[Job]:
        """The rows, locked. One may move to the other table while we wait for it: then it is there, or back again."""
        found: dict[int, Job] = {}
        for name in ("load_jobs", "load_ended", "load_jobs"):
            absent, missing = _left(found, keys, ids)
            if not missing and not absent:
                break
            for row in await self._session.fetch(self._sql[name + how], absent, missing):
                job = job_of(tuple(row))
                found[job.key] = job
        return list(found.values())

    async def _load_free(self, keys: list[int], ids: list[str]) -> list[Job]:
        """The same without waiting: whoever has rows locked must wait for none, or two could wait for each other."""
        jobs = await self.load(keys, ids, how="")
        absent, missing = _left({job.key: job for job in jobs}, keys, ids)
        taken = await self._session.fetch(self._sql["left_out"], absent, missing) if absent or missing else []
        if taken:
            raise RowTaken(taken[0][0])
        return jobs

    async def _check_boxes(self, jobs: list[Job], locked: list[str]) -> None:
        """What the locks did not know: a job has become a holder since, or its entity got its mailbox. Look again."""
        loose = [job for job in jobs if job.entity is not None and job.entity not in locked]
        boxed = [job.entity for job in loose if job.lane in {Lane.ARRIVED, Lane.PARKED}]
        if any(job.holds for job in loose) or (boxed and await self._session.fetch(self._sql["boxes"], boxed)):
            raise LooksNeeded

    async def lock_keys(self, submits: list[c.Submit], commands: Iterable[c.Command]) -> None:
        """The dedupe keys that may change hands, in an order that all keep, and before any row."""
        wanted = {(one.type_id, one.dedupe) for one in submits if one.dedupe is not None}
        replayed = [command.job_id for command in commands if isinstance(command, c.Replay)]
        if replayed:
            wanted |= {(row[0], row[1]) for row in await self._session.fetch(self._sql["keys_of"], replayed)}
        for type_id, key in sorted(wanted):
            await self._session.fetch(self._sql["lock_key"], f"jobledger {self._session.target.schema} {type_id} {key}")

    async def _held(self, wanted: list[tuple[int, str]]) -> dict[tuple[int, str], Held | None]:
        if not wanted:
            return {}
        types, names = zip(*wanted, strict=True)
        return {
            (type_id, key): Held(job_id, until, None if lane is None else LANES[lane])
            for type_id, key, job_id, until, lane in await self._session.fetch(self._sql["held_keys"], types, names)
        }

    async def own_series(self, metrics: tuple[c.UserDelta, ...], own: OwnSeries) -> OwnSeries:
        """The users' own series, read again if some of these are new; then nobody else adds any."""
        if own.knows(metrics):
            return own
        connection = await self._session.connection()
        await connection.execute(self._sql["lock_series"])
        return OwnSeries([tuple(row) for row in await self._session.fetch(self._sql["series"])])

    async def write(self, work: Work, batch: Batch, due: Any) -> list[Any]:  # noqa: ANN401 - a row of `promote`
        """What was decided, and the claim."""
        fetch, sql = self._session.fetch, self._sql
        me, now = batch.writer_id, work.now
        if work.own.fresh:
            await fetch(sql["add_series"], *zip(*work.own.fresh, strict=True))
            work.own.fresh.clear()
        if work.own.described:
            await fetch(sql["describe_series"], *zip(*work.own.described.items(), strict=True))
            work.own.described.clear()
        made = [job.key for round_ in work.rounds for job, _ in round_.added]
        entities = [*due["o_entities"], *work.arrived]
        for round_ in work.rounds:
            await self._write_round(round_, me, now)
        if work.keys:
            held = [(type_id, key, *holder) for (type_id, key), holder in work.keys.items()]
            await fetch(sql["hold_keys"], *zip(*held, strict=True))
        return await fetch(
            sql["finish"], me, now, self._ladder, None, None, None, None,
            [*(due["o_deltas"] or ()), *arrays.counts(work.cells)], arrays.own_counts(work.cells),
            sorted(work.completed), work.freed, arrays.claim(batch.claim), entities, [*due["o_keys"], *made],
        )  # fmt: skip

    async def _write_round(self, round_: Round, me: int, now: Micros) -> None:
        fetch, sql = self._session.fetch, self._sql
        if round_.added:
            await fetch(sql["add_jobs"], arrays.arrivals(round_.added), me, now)
        if round_.revived:
            await fetch(sql["revive_jobs"], arrays.saves(round_.revived))
        if round_.saved:
            await fetch(sql["save_jobs"], arrays.saves(round_.saved))
        if round_.amended:
            await fetch(sql["amend_ended"], arrays.saves(round_.amended))
        if round_.ended:
            await fetch(sql["end_jobs"], arrays.endings(round_.ended), now)
        if round_.events:
            await fetch(sql["tell"], arrays.events(round_))


def addressed(commands: Iterable[c.Command]) -> tuple[list[int], list[str], list[c.Submit], tuple[c.UserDelta, ...]]:
    """Keys and ids of the jobs that commands are about, what they submit, and what they count for the users."""
    keys: list[int] = []
    ids: list[str] = []
    submits: list[c.Submit] = []
    metrics: list[c.UserDelta] = []
    for command in commands:
        match command:
            case c.Submit():
                submits.append(command)
            case c.SubmitAll():
                submits += command.items
            case c.Count():
                metrics += command.metrics
            case c.Cancel() | c.Replay() | c.Discard():
                ids.append(command.job_id)
            case c.Release() | c.Report():
                keys.append(command.key)
            case c.Settle():
                keys.append(command.key)
                if isinstance(command.outcome, Done):
                    submits += command.children
                    metrics += command.metrics
    return keys, [*ids, *(submit.id for submit in submits)], submits, tuple(metrics)


def named(commands: Iterable[c.Command]) -> tuple[list[str], list[c.Submit]]:
    """The ids of all jobs that commands are about, and what they submit themselves."""
    ids: list[str] = []
    submits: list[c.Submit] = []
    for command in commands:
        match command:
            case c.Submit():
                submits.append(command)
            case c.SubmitAll():
                submits += command.items
            case c.Count():
                pass
            case _:
                ids.append(command.job_id)
    return [*dict.fromkeys((*ids, *(submit.id for submit in submits)))], submits
