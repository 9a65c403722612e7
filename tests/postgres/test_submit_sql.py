"""`SELECT jobledger.submit(…)`: what SQL accepts is what the rule-book accepts, column by column and count by count."""

# ruff: noqa: S608 - statements on tables of the test's own
from __future__ import annotations

import asyncio
import json
import random
import uuid
from collections.abc import AsyncIterator
from itertools import count
from typing import Any

import asyncpg
import pytest

from jobledger._core import commands as c
from jobledger._core.catalog import BOUNDARIES, ladder
from jobledger._core.decide import Change, Refusal, submit
from jobledger._core.deltas import Cells, merge
from jobledger._core.job import LANES, Job, Lane
from jobledger._core.priority import Priority
from jobledger._core.reads import JobType
from jobledger._store.contract import Declaration
from jobledger._store.postgres.own_series import OwnSeries
from jobledger._store.postgres.sql import sql_of
from jobledger._store.postgres.store import PostgresStore
from jobledger._store.postgres.target import Target
from jobledger._store.postgres.work import Held, Work
from jobledger._store.rows import WIDTH, job_of
from jobledger._types import SECOND
from tests.postgres.drivers import plain_dsn
from tests.waiting import until

HOUR = 3600 * SECOND
LADDER = ladder(BOUNDARIES)
DECLARED = (
    Declaration("mail", "mail", int(Priority.HIGH), 7, 5, 30 * SECOND),
    Declaration("bill", "bill"),
)


class Base:
    """A store's schema, and a connection of somebody who knows only SQL."""

    def __init__(self, url: str, connection: asyncpg.Connection[asyncpg.Record], types: tuple[JobType, ...]) -> None:
        self.schema = Target.of(url).schema
        self.connection = connection
        self.types = {type_.name: type_ for type_ in types}
        self.sql = sql_of(self.schema, "door.sql")
        self._seen = 0

    async def submit(self, arguments: str, *values: object) -> str:
        job_id: str = await self.connection.fetchval(f"SELECT {self.schema}.submit({arguments})", *values)
        return job_id

    async def rows(self, table: str, where: str = "true", *values: object) -> list[Any]:
        return await self.connection.fetch(f"SELECT * FROM {self.schema}.{table} WHERE {where} ORDER BY 1, 2", *values)

    async def job(self, job_id: str) -> tuple[Job, bytes]:
        (row,) = await self.rows("job", "id = $1", job_id)
        return job_of(tuple(row)), row[WIDTH]

    async def counted(self) -> Cells:
        """The counts beside the ledger since the last look."""
        found = await self.rows("ledger_delta", "delta_id > $1", self._seen)
        cells: Cells = {}
        for self._seen, number, type_id, priority, cell, value in found:
            key = (number, type_id, priority, cell)
            cells[key] = cells.get(key, 0) + int(value)
        return cells

    async def keys(self) -> dict[tuple[int, str], str]:
        """Who has which dedupe key."""
        return {(row["type_id"], row["key"]): row["job_id"] for row in await self.rows("dedupe")}


@pytest.fixture
async def base(postgres_schema: str) -> AsyncIterator[Base]:
    store = PostgresStore(Target.of(postgres_schema))
    types = await asyncio.to_thread(store.declare, DECLARED, 200)
    await asyncio.to_thread(store.close)
    connection = await asyncpg.connect(plain_dsn(postgres_schema))
    yield Base(postgres_schema, connection, types)
    await connection.close()


def interval(micros: int) -> str:
    return f"{micros} * interval '1 microsecond'"  # PostgreSQL 14 reads no number of microseconds beyond 32 bits


def any_submit(rng: random.Random, job_id: str, type_: JobType) -> tuple[c.Submit, dict[str, str]]:
    """A command, and the SQL of its arguments; what SQL leaves out is the type's default."""
    payload: dict[str, object] = {"n": rng.random(), "text": rng.choice(["", "é'\"\\", "\x7f \t"])}
    said: dict[str, Any] = {"id": job_id, "type_id": type_.type_id, "payload": json.dumps(payload).encode()}
    written = {"payload": "$1", "id": f"'{job_id}'"}
    said |= {name: getattr(type_, name) for name in ("priority", "max_attempts", "max_losses", "timeout")}
    if rng.random() < 0.5:
        said["priority"] = rng.randrange(4)
        written["priority"] = f"'{Priority(said['priority']).label}'"
    for name in ("entity", "batch", "trace", "dedupe"):
        if rng.random() < 0.5:
            said[name] = f"{name} {rng.randrange(100)}'é"
            written[name] = "'" + said[name].replace("'", "''") + "'"
    when = rng.choice(["now", "delay", "at", "before"])
    if when == "delay":
        said["delay"] = rng.randrange(1, 9 * HOUR)
        written["delay"] = interval(said["delay"])
    elif when != "now":
        said["due_at"] = (4_000_000_000 if when == "at" else 1_000_000_000) * SECOND + rng.randrange(SECOND)
        written["at"] = f"timestamptz 'epoch' + {interval(said['due_at'])}"
    for name, most in (("timeout", HOUR), ("dedupe_for", 9 * HOUR)):
        if rng.random() < 0.5 and (name != "dedupe_for" or "dedupe" in said):
            said[name] = rng.randrange(1, most)
            written[name] = interval(said[name])
    if rng.random() < 0.5:
        said["max_attempts"] = rng.randrange(1, 1000)
        written["max_attempts"] = str(said["max_attempts"])
    return c.Submit(**said), written


@pytest.mark.parametrize("seed", range(4))
async def test_a_row_is_the_one_that_the_rule_book_makes(seed: int, base: Base) -> None:
    rng = random.Random(seed)
    lanes: set[Lane] = set()
    for number in range(60):
        type_ = rng.choice(list(base.types.values()))
        command, written = any_submit(rng, str(uuid.UUID(int=number + 1)), type_)
        async with base.connection.transaction():
            arguments = ", ".join(f"{name} => {value}" for name, value in written.items())
            job_id = await base.submit(f"'{type_.name}', {arguments}", command.payload.decode())
            found, payload = await base.job(job_id)
            history = await base.rows("history", "job_key = $1", found.key)
            keys = [tuple(row) for row in await base.rows("dedupe", "job_id = $1", job_id)]
            counted = await base.counted()

        change = submit(command, found.submitted_at, number=found.key, occupied=None)
        expected: Cells = {}
        merge(expected, change.deltas, LADDER)
        assert found == change.job
        assert json.loads(payload) == json.loads(command.payload)
        assert (change.event, history) == (None, [])
        assert keys == ([] if command.dedupe is None else [(type_.type_id, command.dedupe, job_id, found.dedupe_until)])
        assert counted == expected
        lanes.add(found.lane)
        await base.connection.execute(f"DELETE FROM {base.schema}.dedupe")
    assert lanes == {Lane.READY, Lane.ARRIVED, Lane.SCHEDULED}


async def seeded(base: Base, rng: random.Random) -> None:
    """Jobs in all lanes, and who has which key: some still live, some for a time, some pruned."""
    for number, lane in enumerate([*Lane] * 2):
        job_id, key, given = f"old {number}", f"key {number}", str(uuid.UUID(int=9000 + number))
        await base.submit("'mail', id => $1", given)
        await base.connection.execute(
            f"UPDATE {base.schema}.job SET id = $1, lane = $2 WHERE id = $3", job_id, lane, given
        )
        end = rng.choice((0, 1, 4_000_000_000 * SECOND))
        await base.connection.execute(
            f"INSERT INTO {base.schema}.dedupe VALUES ($1, $2, $3, $4)",
            base.types["mail"].type_id, key, rng.choice((job_id, job_id, f"pruned {number}")), end,
        )  # fmt: skip
    await base.connection.execute(
        f"WITH gone AS (DELETE FROM {base.schema}.job WHERE lane = ANY ($1) RETURNING *)"
        f" INSERT INTO {base.schema}.ended SELECT * FROM gone",
        [Lane.COMPLETE, Lane.FAILED, Lane.CANCELLED, Lane.DISCARDED],
    )
    await base.counted()


async def decided(base: Base, items: list[c.Submit], *, strict: bool) -> tuple[Any, Work]:
    """What the door would make of a batch."""
    (now,) = await base.connection.fetchrow(base.sql["clock"])  # type: ignore[misc]
    work = Work(now, LADDER, OwnSeries(), count(1).__next__)
    ids = [item.id for item in items]
    for statement in ("load_jobs", "load_ended"):
        work.know(job_of(tuple(row)) for row in await base.connection.fetch(base.sql[statement], [], ids))
    wanted = sorted({(item.type_id, item.dedupe) for item in items if item.dedupe is not None})
    types, names = zip(*wanted, strict=True) if wanted else ((), ())
    for type_id, key, job_id, end, lane in await base.connection.fetch(base.sql["held_keys"], types, names):
        work.held[type_id, key] = Held(job_id, end, None if lane is None else LANES[lane])
    return work.execute(c.SubmitAll(tuple(items), strict)), work


def answers_of(verdicts: Any) -> list[str | None]:
    """The job that stands in the way, of each item."""
    return [
        verdict.job_id if isinstance(verdict, Refusal) and verdict.why == "duplicate" else None for verdict in verdicts
    ]


@pytest.mark.unaudited("its jobs are put into any lane by hand")
@pytest.mark.parametrize("seed", range(5))
async def test_a_batch_comes_to_what_the_door_makes_of_it(seed: int, base: Base) -> None:
    rng = random.Random(seed)
    await seeded(base, rng)
    refusals = 0
    for turn in range(40):
        items: list[c.Submit] = []
        for number in range(rng.randrange(1, 12)):
            again = rng.randrange(18) if number < 3 and rng.random() < 0.4 else None
            resent = f"{rng.choice(('old', 'pruned'))} {again}"
            is_new = again is None or resent in {one.id for one in items}
            job_id = f"new {number}" if is_new else resent
            key = (
                f"key {again}"
                if not is_new
                else rng.choice((None, f"key {rng.randrange(18)}", f"fresh {rng.randrange(3)}"))
            )
            window = rng.choice((0, HOUR)) if key else 0
            items.append(c.Submit(job_id, base.types["mail"].type_id, b"{}", 1, dedupe=key, dedupe_for=window))
        strict = rng.random() < 0.3
        transaction = base.connection.transaction()
        await transaction.start()
        before = await base.keys()
        verdicts, work = await decided(base, items, strict=strict)
        wanted = [
            {"id": one.id, "type": "mail", "payload": "{}", "dedupe": one.dedupe, "dedupe_for": one.dedupe_for or None}
            for one in items
        ]
        found = await base.connection.fetch(
            f"SELECT * FROM {base.schema}.submit_all($1::text::json, $2)", json.dumps(wanted), strict
        )
        added = [verdict.job.id for verdict in verdicts if isinstance(verdict, Change)]

        assert [row["holder"] for row in found] == answers_of(verdicts), (seed, turn)
        assert await base.counted() == {cell: value for cell, value in work.cells.items() if value}
        assert {row["id"] for row in await base.rows("job", "id LIKE 'new%' OR id LIKE 'pruned%'")} == set(added)
        assert await base.keys() == before | {key: holder for key, (holder, _) in work.keys.items()}
        refusals += len(items) - len(added)
        await transaction.rollback()
    assert refusals > 20


@pytest.mark.parametrize(
    ("arguments", "state", "said"),
    [
        ("'mial'", "JL004", "unknown job type 'mial'.*Known here: bill, mail"),
        ("NULL", "JL004", "unknown job type NULL"),
        ("'mail', '[]'", "JL005", "a JSON object of at most 262144 bytes, not array"),
        ("'mail', 'null'", "JL005", "not null"),
        ("'mail', NULL", "JL005", "not NULL"),
        ("'mail', jsonb_build_object('a', repeat('x', 262144))", "JL005", "not object of 262"),
        ("'mail', priority => 'urgent'", "JL005", "use one of critical, high, normal, low"),
        ("'mail', priority => '1'", "JL005", "unknown priority '1'"),
        ("'mail', entity => ''", "JL005", "entity must have 1 to 255 printable characters"),
        ("'mail', dedupe => repeat('x', 256)", "JL005", "dedupe must have"),
        ("'mail', batch => E'a\\nb'", "JL005", "batch must have"),
        ("'mail', trace => E'a\\x7f'", "JL005", "trace must have"),
        ("'mail', delay => '-1 s'", "JL005", "delay must be at least 0"),
        ("'mail', delay => '11 years'", "JL005", "at most ten years"),
        ("'mail', at => 'infinity'", "JL005", "before the year 9000"),
        ("'mail', delay => '1 s', at => now()", "JL005", "delay or at, not both"),
        ("'mail', timeout => '0 s'", "JL005", "timeout must be more than 0"),
        ("'mail', max_attempts => 0", "JL005", "max_attempts must be"),
        ("'mail', dedupe_for => '1 s'", "JL005", "dedupe_for needs dedupe"),
        ("'mail', dedupe => 'k', dedupe_for => '0 s'", "JL005", "dedupe_for must be more than 0"),
    ],
)
async def test_what_is_wrong_is_said_and_leaves_nothing(arguments: str, state: str, said: str, base: Base) -> None:
    with pytest.raises(asyncpg.PostgresError, match=f"(?s){said}") as refused:
        await base.submit(arguments)

    assert refused.value.sqlstate == state
    assert (await base.rows("job"), await base.counted()) == ([], {})


async def test_ids_are_uuids_of_version_7_in_order_of_time(base: Base) -> None:
    ids = [await base.submit("'mail'") for _ in range(50)]

    found = [uuid.UUID(job_id) for job_id in ids]
    stamps = [one.int >> 80 for one in found]
    assert {(one.version, one.variant) for one in found} == {(7, uuid.RFC_4122)}
    assert stamps == sorted(stamps)
    assert abs(stamps[0] * 1000 - (await base.job(ids[0]))[0].submitted_at) < 60 * SECOND
    assert len(set(ids)) == 50


async def test_who_wants_the_same_key_waits_for_who_has_it(base: Base, postgres_schema: str) -> None:
    other = await asyncpg.connect(plain_dsn(postgres_schema))
    statement = f"SELECT {base.schema}.submit('mail', dedupe => 'k')"
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid = $1"
    for commits in (False, True):
        transaction = base.connection.transaction()
        await transaction.start()
        first = await base.submit("'mail', dedupe => 'k'")
        second = asyncio.ensure_future(other.fetchval(statement))
        await until(lambda: base.connection.fetchval(waiting, other.get_server_pid()), "the second one waits")
        await (transaction.commit() if commits else transaction.rollback())

        assert (await second == first) is commits
        await other.execute(f"DELETE FROM {base.schema}.dedupe")
    await other.close()


async def test_it_is_in_nobodys_way_and_says_nothing(base: Base) -> None:
    heard: list[object] = []
    await base.connection.add_listener(base.schema.strip('"'), lambda *said: heard.append(said))
    async with base.connection.transaction():
        await base.submit("'mail', entity => 'e', dedupe => 'k'")
        locks = await base.connection.fetch(
            "SELECT c.relname FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n"
            " ON n.oid = c.relnamespace WHERE l.pid = pg_backend_pid() AND n.nspname = $1 AND c.relkind = 'r'"
            " AND l.mode = 'RowExclusiveLock'",
            base.schema.strip('"'),
        )

    assert {row[0] for row in locks} == {"job", "dedupe", "ledger_delta"}
    assert heard == []
    await base.connection.execute(f"SELECT {base.schema}.wake()")
    await until(lambda: heard, "the wake-up is heard")


async def test_a_role_needs_nothing_but_to_execute_it(base: Base, postgres_schema: str) -> None:
    role = "submitter_" + base.schema.strip('"')
    await base.connection.execute(f"CREATE ROLE {role}; GRANT USAGE ON SCHEMA {base.schema} TO {role}")
    try:
        await base.connection.execute(f"SET ROLE {role}")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await base.submit("'mail'")
        await base.connection.execute(f"RESET ROLE; GRANT EXECUTE ON FUNCTION {base.schema}.submit TO {role}")
        await base.connection.execute(f"SET ROLE {role}; SET search_path = pg_temp, public")
        await base.connection.execute("CREATE TEMP TABLE job (id text)")
        job_id = await base.submit("'mail'")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await base.rows("job")
        await base.connection.execute("RESET ROLE; RESET search_path")
        assert (await base.job(job_id))[0].id == job_id
    finally:
        await base.connection.execute(f"RESET ROLE; DROP OWNED BY {role}; DROP ROLE {role}")
