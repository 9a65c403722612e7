"""The systems that are compared, and how each is set up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Store: TypeAlias = Literal["sqlite", "redis", "synced redis", "postgres"]
"""A Redis by itself writes nothing to disk before it answers; one with ``appendfsync always`` does."""


@dataclass(frozen=True)
class System:
    """One way to run jobs.

    Attributes:
        name: on the command line.
        title: in tables, without its version.
        settings: what its workers are told, for a reader to judge.
        distribution: what is installed.
        module: of `benchmarks.peers.systems`.
        store: what it needs.
        jobs: in the full queue; for some seconds of work.
        variant: what the module is told.
        against: the jobledger that it is compared with; empty for jobledger itself.
    """

    name: str
    title: str
    settings: str
    distribution: str
    module: str
    store: Store
    jobs: int
    variant: str = ""
    against: str = ""

    @property
    def peer(self) -> str:
        """The name of all its variants: what `--only` takes too."""
        return self.distribution if self.distribution != "awa-pg" else "awa"


ON_SQLITE, ON_POSTGRES, WIDE = "jobledger-sqlite-2", "jobledger-postgres-2", "jobledger-postgres-2-400"

_OURS = "100 slots a process; `durability=power`, which is WAL with synchronous=FULL"
_OURS_PG = "100 slots a process, the default"
_HUEY = "one consumer, `-k process -w 2`"
_AWA = '`start([("default", 50)])`'
_TASKIQ = "`taskiq worker`, its defaults: two processes, 100 jobs at once in each"
_MEMORY = "Redis without an append-only file and without snapshots"
_SYNCED = "Redis with `appendonly yes`, `appendfsync always`"

SYSTEMS = (
    System(
        "jobledger-sqlite-1", "jobledger, SQLite, 1 process", _OURS,
        "jobledger", "jobledger", "sqlite", 40_000, "1",
    ),
    System(
        ON_SQLITE, "jobledger, SQLite, 2 processes", _OURS,
        "jobledger", "jobledger", "sqlite", 40_000, "2",
    ),
    System(
        "huey-sqlite", "SqliteHuey, 2 processes", f"{_HUEY}; `fsync=True`, which is WAL with synchronous=FULL",
        "huey", "huey", "sqlite", 10_000, against=ON_SQLITE,
    ),
    System(
        "huey-redis", "RedisHuey, 2 processes, not durable", f"{_HUEY}; {_MEMORY}",
        "huey", "huey", "redis", 10_000, against=ON_SQLITE,
    ),
    System(
        "huey-redis-synced", "RedisHuey, 2 processes, durable", f"{_HUEY}; {_SYNCED}",
        "huey", "huey", "synced redis", 6_000, against=ON_SQLITE,
    ),
    System(
        "taskiq-redis", "taskiq, Redis list, 2 processes, not durable", f"{_TASKIQ}; {_MEMORY}",
        "taskiq", "taskiq", "redis", 12_000, against=ON_SQLITE,
    ),
    System(
        "taskiq-redis-synced", "taskiq, Redis list, 2 processes, durable", f"{_TASKIQ}; {_SYNCED}",
        "taskiq", "taskiq", "synced redis", 6_000, against=ON_SQLITE,
    ),
    System(
        ON_POSTGRES, "jobledger, PostgreSQL, 2 processes", _OURS_PG,
        "jobledger", "jobledger", "postgres", 60_000, "2",
    ),
    System(
        WIDE, "jobledger, PostgreSQL, 2 processes, 400 slots", "`--slots 400`, as the guide says for short jobs",
        "jobledger", "jobledger", "postgres", 60_000, "2x400",
    ),
    System(
        "pgqueuer-10", "PgQueuer, 2 processes, batch 10", "batch 10, its default; `pgq autovac`",
        "pgqueuer", "pgqueuer", "postgres", 20_000, "10", ON_POSTGRES,
    ),
    System(
        "pgqueuer-100", "PgQueuer, 2 processes, batch 100",
        "batch 100, as its guide says for short jobs; `pgq autovac`",
        "pgqueuer", "pgqueuer", "postgres", 50_000, "100", ON_POSTGRES,
    ),
    System(
        "pgqueuer-1000", "PgQueuer, 2 processes, batch 1,000", "batch 1,000; `pgq autovac`",
        "pgqueuer", "pgqueuer", "postgres", 60_000, "1000", WIDE,
    ),
    System(
        "oban", "Oban for Python, 2 processes", "`oban start --queues default:10`",
        "oban", "oban", "postgres", 10_000, against=ON_POSTGRES,
    ),
    System(
        "procrastinate", "Procrastinate, 2 processes", "`procrastinate worker --concurrency 30`",
        "procrastinate", "procrastinate", "postgres", 2_500, against=ON_POSTGRES,
    ),
    System(
        "awa-queue-storage", "Awa, 2 processes, queue storage", f"{_AWA}, what a fresh installation uses",
        "awa-pg", "awa", "postgres", 6_000, "queue storage", ON_POSTGRES,
    ),
    System(
        "awa-canonical", "Awa, 2 processes, canonical storage", f"{_AWA}, the tables of before 0.6",
        "awa-pg", "awa", "postgres", 15_000, "canonical", ON_POSTGRES,
    ),
)  # fmt: skip


def chosen(names: list[str]) -> list[System]:
    """The systems of these names, or all; with the jobledger that each is compared with."""
    wanted = [one for one in SYSTEMS if not names or one.name in names or one.peer in names]
    against = {one.against for one in wanted}
    return [one for one in SYSTEMS if one in wanted or one.name in against]
