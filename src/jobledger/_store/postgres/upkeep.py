"""What keeps the books tidy: takeover, folding, retention, samples. Each is a transaction of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from jobledger._core.commands import Lose, Prune
from jobledger._core.decide import Change, decide
from jobledger._core.deltas import merge
from jobledger._core.job import holds_key
from jobledger._store.contract import Takeover
from jobledger._store.postgres import arrays
from jobledger._store.postgres.own_series import OwnSeries
from jobledger._store.postgres.work import Work
from jobledger._store.rows import job_of
from jobledger._types import SECOND

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobledger._core.deltas import Cells
    from jobledger._store.postgres.session import Session
    from jobledger._types import Micros

FORGET_WRITERS_AFTER: Final = 24 * 3600 * SECOND
_NOBODY: Final = 0
"""The writer of what no writer does: its counts go beside the ledger, so that nobody waits for the base."""


async def take_over(
    session: Session, sql: Mapping[str, str], writer_id: int, now: Micros, ladder: tuple[Micros, ...]
) -> Takeover | None:
    """Fence a dead writer, put its jobs back, fold its ledger. None if somebody else was faster.

    Separate statements, in this order: else the last commit of a zombie would be missed, or the books broken.
    """
    ended = await session.fetch(sql["end_writer"], writer_id, now)
    if not ended:
        return None
    kind, host, pid = ended[0]
    await session.fetch(sql["drop_lease"], writer_id)
    await session.fetch(sql["lock_held"], writer_id)
    work = Work(now, ladder, OwnSeries())
    held = [job_of(tuple(row)) for row in await session.fetch(sql["held_by"], writer_id)]
    verdicts = [work.apply(job, Lose(writer_id)) for job in sorted(held, key=lambda job: job.fence)]
    due = (await session.fetch(sql["promote"], now))[0]  # later: who has promoted a row must wait for none
    await _write(session, sql, work, due, ladder)
    await _fold(session, sql, writer_id)
    changes = tuple(verdict for verdict in verdicts if isinstance(verdict, Change))
    return Takeover(writer_id, "worker" if kind == "worker" else "client", host, pid, changes)


async def _write(session: Session, sql: Mapping[str, str], work: Work, due: Any, ladder: tuple[Micros, ...]) -> None:  # noqa: ANN401 - a row
    (first,) = work.rounds
    await session.fetch(
        sql["finish"], _NOBODY, work.now, ladder, None, arrays.saves(first.saved),
        arrays.endings(first.ended), arrays.events(first), [*(due["o_deltas"] or ()), *arrays.counts(work.cells)],
        None, [], work.freed, None, due["o_entities"], due["o_keys"],
    )  # fmt: skip


async def retire(session: Session, sql: Mapping[str, str], writer_id: int, now: Micros) -> None:
    """A writer that holds no job leaves."""
    await session.fetch(sql["end_writer"], writer_id, now)
    await session.fetch(sql["drop_lease"], writer_id)
    await _fold(session, sql, writer_id)


async def _fold(session: Session, sql: Mapping[str, str], writer_id: int) -> None:
    await session.fetch(sql["fold_writer"], writer_id)
    await session.fetch(sql["fold_completed"], writer_id)


async def prune(session: Session, sql: Mapping[str, str], now: Micros, retention: Micros, limit: int) -> int:
    """Forget ended jobs, their history and their keys."""
    await session.fetch(sql["by_index"])
    jobs = [job_of(tuple(row)) for row in await session.fetch(sql["prunable"], now - retention, limit)]
    verdicts = [decide(job, Prune(), now) for job in jobs]
    cells: Cells = {}
    merge(cells, (delta for verdict in verdicts if isinstance(verdict, Change) for delta in verdict.deltas), ())
    keys = [job.key for job in jobs]
    unheld = [
        (job.type_id, job.dedupe, job.id)
        for job in jobs
        if job.dedupe is not None and not holds_key(job.lane, job.dedupe_until, now)
    ]
    await session.fetch(sql["forget_jobs"], keys)
    await session.fetch(sql["forget_history"], keys)
    if unheld:
        await session.fetch(sql["drop_keys"], *zip(*unheld, strict=True))
    await session.fetch(sql["drop_expired_keys"], now)
    await session.fetch(sql["forget_writers"], now - FORGET_WRITERS_AFTER)
    await session.fetch(sql["book_beside"], arrays.counts(cells), None)
    return len(jobs)


async def sample(session: Session, sql: Mapping[str, str], now: Micros, imbalance: int | None) -> None:
    """Write the sampled gauges, and fold what stands beside the ledger."""
    active, deepest = (await session.fetch(sql["sampled"]))[0]
    values = {"entities_active": active, "mailbox_deepest": deepest}
    if imbalance is not None:
        values["ledger_imbalance"] = imbalance
    for name, value in sorted(values.items()):
        await session.fetch(sql["set_sample"], name, value, now)
