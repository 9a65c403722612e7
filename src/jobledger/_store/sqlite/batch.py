"""Applying a batch: each command is decided on the row as it is at that point."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from jobledger._core import commands as c
from jobledger._core.decide import Change, Refusal, Refused, Verdict, decide, duplicate, submit
from jobledger._core.job import LANES, Job, holds_key
from jobledger._core.outcome import Done
from jobledger._store.rows import job_of

if TYPE_CHECKING:
    from jobledger._store.contract import Answer
    from jobledger._store.sqlite.pages import Pages

DUE_AT_ONCE = 500
"""Scheduled jobs that one batch promotes at most."""


def promote(pages: Pages) -> None:
    """Jobs whose time has come go to ready, or park behind the holder of their mailbox, in order."""
    due = [job_of(row) for row in pages.all("due", (pages.now, DUE_AT_ONCE))]
    for job in sorted(due, key=lambda job: job.seq):
        occupied = not job.holds and pages.occupied(job.entity)
        apply(pages, job, c.Due(), occupied=occupied)


def execute(pages: Pages, command: c.Command) -> Answer:
    """Apply one command; a refusal changes nothing but the count of refusals."""
    match command:
        case c.Settle():
            return _settle(pages, command)
        case c.Submit():
            return accept(pages, command)
        case c.SubmitAll():
            return _accept_all(pages, command)
        case c.Release() | c.Report():
            return apply(pages, pages.running(command.key), command)
        case c.Cancel() | c.Discard():
            return apply(pages, pages.by_id(command.job_id), command)
        case c.Replay():
            return _replay(pages, command)
        case c.Count():
            pages.book_user(command.metrics)
            return None
        case _:
            assert_never(command)


def apply(pages: Pages, job: Job | None, command: c.JobCommand, *, number: int = 0, occupied: bool = False) -> Verdict:
    """Decide, save, count, and hand the mailbox over if its holder is gone."""
    verdict = decide(job, command, pages.now, number=number, occupied=occupied)
    if isinstance(verdict, Refusal):
        pages.book(verdict.deltas)
        return verdict
    assert job is not None  # noqa: S101 - a change has a row that it changes
    pages.save(verdict, job)
    if verdict.frees:
        hand_over(pages, verdict.job.entity)
    return verdict


def hand_over(pages: Pages, entity: str | None) -> None:
    """The mailbox's next job by order becomes its holder. At once: a later submit must find it held."""
    row = pages.one("head", (entity,))
    if row is not None:
        apply(pages, job_of(row), c.Activate())


def accept(pages: Pages, command: c.Submit) -> Verdict:
    """Accept a job, unless it is here already or its dedupe key is held."""
    held = _holder(pages, command)
    if held is not None:
        pages.book(held.deltas)
        return held
    change = submit(command, pages.now, number=pages.number(), occupied=pages.occupied(command.entity))
    if not pages.insert(change, command.payload):
        return Refusal(Refused.KNOWN, job_id=command.id)
    if command.dedupe is not None:
        pages.write("hold_key", (command.type_id, command.dedupe, command.id, change.job.dedupe_until))
    return change


def _holder(pages: Pages, command: c.Submit) -> Refusal | None:
    if command.dedupe is None:
        return None
    row = pages.one("key_holder", (command.type_id, command.dedupe))
    if row is None:
        return None
    job_id, until, lane = row
    if job_id == command.id:
        return Refusal(Refused.KNOWN, job_id=job_id)
    if not (until > pages.now if lane is None else holds_key(LANES[lane], until, pages.now)):
        return None
    if pages.by_id(command.id) is not None:
        return Refusal(Refused.KNOWN, job_id=command.id)
    return duplicate(command, job_id)


def _accept_all(pages: Pages, command: c.SubmitAll) -> tuple[Verdict, ...]:
    held = _first_duplicate(pages, command.items) if command.strict else None
    if held is not None:
        pages.book(held.deltas)
        return (held,)
    plain = all(item.entity is None and item.dedupe is None for item in command.items)
    if plain and (changes := _accept_plain(pages, command.items)) is not None:
        return changes
    return tuple(accept(pages, item) for item in command.items)


def _accept_plain(pages: Pages, items: tuple[c.Submit, ...]) -> tuple[Change, ...] | None:
    """Many that nothing is in the way of, at half the price; None: some are here already, and nothing was written."""
    changes = tuple(submit(item, pages.now, number=pages.number(), occupied=False) for item in items)
    return changes if pages.insert_all(changes, [item.payload for item in items]) else None


def _first_duplicate(pages: Pages, items: tuple[c.Submit, ...]) -> Refusal | None:
    """The first item whose key another job holds, or an item before it."""
    named: dict[tuple[int, str], str] = {}
    for item in items:
        held = _holder(pages, item)
        if held is None and item.dedupe is not None:
            first = named.setdefault((item.type_id, item.dedupe), item.id)
            held = duplicate(item, first) if first != item.id else None
        if held is not None and held.why is Refused.DUPLICATE:
            return held
    return None


def _settle(pages: Pages, command: c.Settle) -> Verdict:
    verdict = apply(pages, pages.running(command.key), command)
    if (command.children or command.metrics) and isinstance(verdict, Change) and isinstance(command.outcome, Done):
        for child in command.children:
            accept(pages, child)
        pages.book_user(command.metrics)
    return verdict


def _replay(pages: Pages, command: c.Replay) -> Verdict:
    job = pages.by_id(command.job_id)
    occupied = job is not None and pages.occupied(job.entity)
    verdict = apply(pages, job, command, number=pages.number(), occupied=occupied)
    if isinstance(verdict, Change) and verdict.job.dedupe is not None:
        _hold_again(pages, verdict.job)
    return verdict


def _hold_again(pages: Pages, job: Job) -> None:
    """A replayed job takes its key again, unless another job has it by now."""
    row = pages.one("key_holder", (job.type_id, job.dedupe))
    if row is not None:
        job_id, until, lane = row
        held = until > pages.now if lane is None else holds_key(LANES[lane], until, pages.now)
        if job_id != job.id and held:
            return
    pages.write("hold_key", (job.type_id, job.dedupe, job.id, job.dedupe_until))
