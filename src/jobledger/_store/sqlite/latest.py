"""Exemplars: what the jobs that started or ended last were seen with, by three indexes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from jobledger._core.job import LANES
from jobledger._core.observations import Latest, observations
from jobledger._store.sqlite.connection import PACKAGE
from jobledger._store.sqlite.reads import snapshot
from jobledger._store.statements import statements

if TYPE_CHECKING:
    from collections.abc import Sequence

    import apsw

    from jobledger._core.observations import Observation

SQL: Final = statements(PACKAGE, "latest.sql")


def exemplars(connection: apsw.Connection, limit: int) -> tuple[Observation, ...]:
    """The observations of up to ``limit`` jobs each that ended, that are dead letters, and that run."""
    with snapshot(connection):
        rows = [row for text in SQL.values() for row in connection.execute(text, (limit,))]
    return tuple(one for row in rows for one in observations(_latest(row)))


def _latest(row: Sequence[Any]) -> Latest:
    job_id, type_id, priority, lane, keyed, *rest = row
    return Latest(job_id, type_id, priority, LANES[lane], bool(keyed), *rest)
