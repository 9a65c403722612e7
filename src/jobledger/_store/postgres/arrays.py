"""From what was decided to the arrays that one call takes: a column each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jobledger._core.catalog import USER_NUMBERS
from jobledger._store import rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from jobledger._core.deltas import Cells
    from jobledger._core.job import Job
    from jobledger._store.contract import Claim
    from jobledger._store.postgres.work import Round

    Columns = tuple[Sequence[Any], ...] | None


def _columns(found: Iterable[tuple[Any, ...]]) -> Columns:
    """Nothing is NULL: dozens of empty arrays would cost an idle batch more than its work."""
    return tuple(zip(*found, strict=True)) or None


def _spare(found: Iterable[tuple[Any, ...]]) -> Columns:
    """The keys, and of each other column only one value if all are the same: `spread` in the database makes it whole.

    The driver looks at each value of an array several times: that costs a worker a tenth of all it does for a job.
    """
    whole = _columns(found)
    if whole is None:
        return None
    keys, *columns = whole
    return keys, *(column[:1] if column.count(column[0]) == len(column) else column for column in columns)


def arrivals(added: Iterable[tuple[Job, bytes]]) -> Columns:
    """New jobs; one without a key is given one."""
    return _columns(
        (
            (
                job.id, job.type_id, job.entity, job.priority, job.lane, job.due_at, job.max_attempts, job.max_losses,
                job.timeout, job.dedupe, job.dedupe_until, job.batch, job.trace, payload, job.key or None,
            )
            for job, payload in added
        ),
    )  # fmt: skip


def alike(added: Sequence[tuple[Job, bytes]]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """New jobs that take no dedupe key: what all of them have in common, and the columns of the rest.

    The driver looks at each value of an array several times: that costs a client as much as all it does besides.
    """
    columns = tuple(zip(*(_varying(job) for job, _ in added), strict=True))
    common = tuple(column[0] if len(set(column)) == 1 else None for column in columns)
    type_id, entity, priority, lane, due_at, attempts, losses, timeout, batch, trace = (
        None if len(set(column)) == 1 else column for column in columns
    )
    ids, payloads = [job.id for job, _ in added], [payload for _, payload in added]
    return common, (
        ids, type_id, entity, priority, lane, due_at, attempts, losses, timeout, None, None, batch, trace, payloads,
        None,
    )  # fmt: skip


def _varying(job: Job) -> tuple[Any, ...]:
    return (
        job.type_id, job.entity, job.priority, job.lane, job.due_at, job.max_attempts, job.max_losses, job.timeout,
        job.batch, job.trace,
    )  # fmt: skip


def saves(changed: Iterable[tuple[Job, Job]]) -> Columns:
    """Jobs that go on."""
    return _columns((rows.saved(job, before) for job, before in changed))


def endings(ended: Iterable[tuple[Job, Job]]) -> Columns:
    """Jobs that end."""
    return _spare(
        (
            (
                job.key, before.version, job.lane, job.failures, job.losses, job.reason, job.error, job.result,
                job.version,
            )
            for job, before in ended
        ),
    )  # fmt: skip


def events(round_: Round) -> Columns:
    """What history keeps."""
    return _spare((rows.history_of(job, event) for job, event in round_.events))


def counts(cells: Cells) -> list[list[int]]:
    """The ledger's own series: an array of arrays, which the driver takes as lists only."""
    return [[*cell, value] for cell, value in cells.items() if value and cell[0] < USER_NUMBERS]


def own_counts(cells: Cells) -> Columns:
    """The users' own: numbers of any size, as text."""
    return _columns(
        ((number, cell, str(value)) for (number, _, _, cell), value in cells.items() if number >= USER_NUMBERS)
    )


def claim(asked: Claim | None) -> tuple[Any, ...] | None:
    """The groups, one after the other."""
    if asked is None:
        return None
    groups = asked.groups
    return (
        [type_id for group in groups for type_id in group.types],
        [len(group.types) for group in groups],
        [group.slots for group in groups],
        [mark for group in groups for mark in group.stride.marks],
        asked.suspects,
    )
