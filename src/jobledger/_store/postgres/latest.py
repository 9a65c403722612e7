"""Exemplars: what the jobs that started or ended last were seen with, by three indexes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from jobledger._core.job import LANES
from jobledger._core.observations import Latest, observations
from jobledger._store.postgres.reads import snapshot

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jobledger._core.observations import Observation
    from jobledger._store.postgres.reads import Connection

_KINDS: Final = ("ended", "dead", "running")


async def exemplars(connection: Connection, sql: Mapping[str, str], limit: int) -> tuple[Observation, ...]:
    """The observations of up to ``limit`` jobs each that ended, that are dead letters, and that run."""
    async with snapshot(connection):
        rows = [tuple(row) for kind in _KINDS for row in await connection.fetch(sql[kind], limit)]
    return tuple(one for row in rows for one in observations(_latest(row)))


def _latest(row: Sequence[Any]) -> Latest:
    job_id, type_id, priority, lane, keyed, *rest = row
    return Latest(job_id, type_id, priority, LANES[lane], keyed, *rest)
