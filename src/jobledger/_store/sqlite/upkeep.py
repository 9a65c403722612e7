"""What keeps the books tidy: takeover, retention, samples. Each is one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobledger._core.catalog import USER_NUMBERS
from jobledger._core.commands import Lose, Prune
from jobledger._core.decide import Change, decide
from jobledger._core.job import holds_key
from jobledger._store.contract import Takeover
from jobledger._store.rows import job_of
from jobledger._store.sqlite.batch import apply, promote

if TYPE_CHECKING:
    from jobledger._store.sqlite.pages import Pages
    from jobledger._types import Micros

FORGET_WRITERS_AFTER = 24 * 3600 * 1_000_000


def take_over(pages: Pages, writer: tuple[int, str, str, int]) -> Takeover | None:
    """Fence a dead writer, put its jobs back, fold its ledger. None if somebody else was faster."""
    writer_id, kind, host, pid = writer
    if not end_writer(pages, writer_id):
        return None
    promote(pages)
    verdicts = [apply(pages, job_of(row), Lose(writer_id)) for row in pages.all("held_by", (writer_id,))]
    changes = tuple(verdict for verdict in verdicts if isinstance(verdict, Change))
    fold(pages, writer_id)
    return Takeover(writer_id, "worker" if kind == "worker" else "client", host, pid, changes)


def end_writer(pages: Pages, writer_id: int) -> bool:
    """Fence a writer for good; False if it was."""
    pages.write("drop_handled", (writer_id,))
    return pages.write("end_writer", (pages.now, writer_id)) == 1


def fold(pages: Pages, writer_id: int) -> None:
    """Move a writer's counts to the base; the users' with a carry, or many folds would overflow a word."""
    pages.carry_to_base(pages.all("user_cells", (writer_id, USER_NUMBERS)))
    pages.write("fold", (writer_id, USER_NUMBERS))
    pages.write("drop_folded", (writer_id,))


def prune(pages: Pages, retention: Micros, limit: int) -> int:
    """Forget ended jobs, their history and their keys."""
    pruned = 0
    for row in pages.all("prunable", (pages.now - retention, limit)):
        job = job_of(row)
        verdict = decide(job, Prune(), pages.now)
        if isinstance(verdict, Change):
            pages.write("forget_history", (job.key,))
            pages.write("forget_job", (job.key,))
            if job.dedupe is not None and not holds_key(job.lane, job.dedupe_until, pages.now):
                pages.write("drop_key", (job.type_id, job.dedupe, job.id))
            pages.book(verdict.deltas)
            pruned += 1
    pages.write("drop_expired_keys", (pages.now,))
    pages.write("forget_writers", (pages.now - FORGET_WRITERS_AFTER,))
    return pruned


def sample(pages: Pages, imbalance: int | None) -> None:
    """Write the sampled gauges."""
    values = {
        "entities_active": pages.one("entities_active", ())[0],
        "mailbox_deepest": pages.one("mailbox_deepest", ())[0],
    }
    if imbalance is not None:
        values["ledger_imbalance"] = imbalance
    for name, value in values.items():
        pages.write("set_sample", (name, value, pages.now))
