"""The doctor on PostgreSQL: each finding says what to do, and none shows a password."""

from __future__ import annotations

import asyncio
import json
import secrets
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from jobledger import App
from jobledger._store.postgres.checkup import Checkup, Hold, Rights, Room, Server, Table, Way
from jobledger._store.postgres.migrate import NEEDED, NEWEST
from jobledger._store.postgres.target import Target
from jobledger.cli.commands import cli
from jobledger.cli.doctor.postgres.checks import CHECKS
from tests.postgres.filled import connected

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg

SOUND = Server(
    number=150004, version="15.4", is_standby=False, only_reads=False, syncs=True, writes_full_pages=True,
    synchronous_commit="on", vacuums=True, isolation="read committed", role="me", sees_all=True,
)  # fmt: skip
HOT = Table("job", live=10, dead=60_000, vacuumed=None, left_out=False, size=1_000_000)


def told(url: str, *words: str) -> dict[str, list[dict[str, Any]]]:
    """The findings by check."""
    found: dict[str, list[dict[str, Any]]] = {}
    result = CliRunner().invoke(cli, ["doctor", "--url", url, "--json", *words], prog_name="jobledger")
    for one in json.loads(result.stdout)["checks"]:
        found.setdefault(one["check"], []).append(one)
    return found


@asynccontextmanager
async def asking(url: str) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    async with connected(Target.of(url).dsn) as connection:
        yield connection


def execute(url: str, statement: str, *values: object) -> None:
    async def executed() -> None:
        async with asking(url) as connection:
            await connection.execute(statement, *values)

    asyncio.run(executed())


def test_a_store_that_is_well(postgres_database: str) -> None:
    """Apart from the settings of a server that tests bring, which does not sync.

    It is a new one: in a schema that other tests have used, vacuum may have work left.
    """
    migrated = CliRunner().invoke(cli, ["migrate", "--url", postgres_database], prog_name="jobledger")
    assert migrated.exit_code == 0, migrated.output
    found = told(postgres_database, "--deep")
    assert [*found] == [check.name for check in CHECKS if check.name != "unhandled"]
    bad = {name for name, some in found.items() for one in some if one["result"] != "ok"}
    assert bad <= {"durability", "connections"}
    assert found["store"][0]["finding"] == f"a store with schema {NEWEST}, which is this version's"
    assert found["audit"][0]["finding"].startswith("balanced now")


def test_whatever_is_wrong_there_is_something_to_do(postgres_schema: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Checkup, "server", SOUND._replace(number=130001, is_standby=True, syncs=False, vacuums=False))
    found = [one for some in told(postgres_schema).values() for one in some if one["result"] != "ok"]
    assert len(found) >= 4
    assert all(one["do"] for one in found)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("postgresql://me:open-sesame@127.0.0.1:1/jobs", "can't be reached"),
        ("postgresql://me:open-sesame@127.0.0.1:1/jobs?sslmode=none", "can't be used"),
        ("postgresql://me:open-sesame@127.0.0.1:x/jobs", "'127.0.0.1:x' is not HOST or HOST:PORT"),
    ],
)
def test_a_server_that_is_not_there(url: str, says: str) -> None:
    result = CliRunner().invoke(cli, ["doctor", "--url", url], prog_name="jobledger")
    assert result.exit_code in {1, 2}
    assert says in result.output
    assert "sesame" not in result.output


def test_a_database_that_is_not_there(postgres_database: str) -> None:
    url = postgres_database + "_no"
    assert [(one["result"], one["do"]) for one in told(url)["server"]] == [("broken", "create it, or check the URL")]


def test_a_schema_that_is_not_there(postgres_database: str) -> None:
    found = told(postgres_database)
    assert (found["store"][0]["result"], found["store"][0]["finding"]) == (
        "broken", "there is no store in the schema jobledger",
    )  # fmt: skip
    assert "role" not in found


@pytest.mark.unaudited("its schema is made to look older and newer")
@pytest.mark.parametrize(
    ("version", "needs", "result", "says"),
    [
        (NEEDED - 1, 0, "broken", "is older than"),
        (NEWEST + 1, 0, "ok", "newer than this version's"),
        (NEWEST + 1, NEWEST + 1, "broken", "a newer jobledger has migrated it"),
    ],
)
def test_another_schema(postgres_schema: str, version: int, needs: int, result: str, says: str) -> None:
    schema = Target.of(postgres_schema).schema
    execute(postgres_schema, f"UPDATE {schema}.book SET version = $1, needs = $2", version, needs)  # noqa: S608 - ours
    (found,) = told(postgres_schema)["store"]
    assert (found["result"], says in found["finding"]) == (result, True)


@pytest.mark.parametrize(
    ("part", "value", "check", "result", "says"),
    [
        ("server", SOUND._replace(number=130001), "server version", "broken", "too old"),
        ("server", SOUND._replace(number=190000), "server version", "warning", "newer than any"),
        ("server", SOUND._replace(is_standby=True), "primary", "broken", "a standby"),
        ("server", SOUND._replace(only_reads=True), "primary", "broken", "only read"),
        ("server", SOUND._replace(syncs=False), "durability", "broken", "fsync is off"),
        ("server", SOUND._replace(writes_full_pages=False), "durability", "broken", "full_page_writes is off"),
        ("server", SOUND._replace(synchronous_commit="off"), "durability", "warning", "loses the last moments"),
        ("server", SOUND._replace(vacuums=False), "vacuum", "warning", "autovacuum is off"),
        ("server", SOUND._replace(isolation="serializable"), "isolation", "broken", "are serializable by default"),
        ("server", SOUND, "durability", "ok", "synchronous_commit is on"),
        ("way", Way(0.0, 0.0, pooled=True), "pooler", "warning", "look by themselves"),
        ("way", Way(0.1, 0.0, pooled=False), "server", "warning", "answers in 100.0 ms"),
        ("way", Way(0.0, 5.0, pooled=False), "clock", "warning", "5 s ahead of"),
        ("way", Way(0.0, -5.0, pooled=False), "clock", "warning", "5 s behind"),
        ("way", Way(0.0, -1e9, pooled=False), "clock", "broken", "before there was"),
        ("room", Room(20, 15, 5), "connections", "warning", "15 of 20 connections are used, 5 of them by jobledger"),
        ("rights", Rights(enters=False, owns=False, lacking=()), "role", "broken", "may not use the schema"),
        ("rights", Rights(enters=True, owns=False, lacking=("SELECT on job",)), "role", "broken", "may not read"),
        ("rights", Rights(enters=True, owns=False, lacking=("INSERT on job",)), "role", "warning", "only reads"),
        ("rights", Rights(enters=True, owns=False, lacking=()), "role", "ok", "as it should be"),
        ("tables", (HOT,), "vacuum", "warning", "job (60,000 dead, 10 live, 1.0 MB, never vacuumed)"),
        ("tables", (HOT._replace(dead=1, left_out=True),), "vacuum", "warning", "autovacuum leaves out job"),
        ("tables", (HOT._replace(live=60_000),), "vacuum", "ok", "vacuum keeps up"),
    ],
)
def test_findings(
    postgres_schema: str, monkeypatch: pytest.MonkeyPatch, part: str, value: object, check: str, result: str, says: str
) -> None:
    monkeypatch.setattr(Checkup, part, value)
    found = [one for one in told(postgres_schema)[check] if says in one["finding"]]
    assert [one["result"] for one in found] == [result]


@pytest.mark.parametrize(
    ("hold", "says"),
    [
        (Hold("a transaction", "process 7", 90.0), "a transaction keeps dead rows from being removed for 90 s"),
        (Hold("a replication slot", "old", None), "a replication slot keeps dead rows from being removed: old"),
    ],
)
def test_what_keeps_vacuum_back(postgres_schema: str, monkeypatch: pytest.MonkeyPatch, hold: Hold, says: str) -> None:
    monkeypatch.setattr(Checkup, "holding", lambda *_: (hold,))
    (found,) = told(postgres_schema)["transactions"]
    assert (found["result"], says in found["finding"]) == ("warning", True)


async def test_a_transaction_that_is_left_open(postgres_schema: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is found by its process, so that it can be ended."""
    monkeypatch.setattr("jobledger.cli.doctor.postgres.tables._OLD", 0.0)
    async with asking(postgres_schema) as left:
        await left.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1")
        pid = left.get_server_pid()
        found = (await asyncio.to_thread(told, postgres_schema))["transactions"]
        assert any(f"process {pid}, " in one["finding"] and "idle in transaction" in one["finding"] for one in found)


def test_a_role_that_only_reads(postgres_schema: str) -> None:
    """Nothing that it may not do is tried."""
    schema, name = Target.of(postgres_schema).schema, f"reader_{secrets.token_hex(4)}"
    grants = f"GRANT USAGE ON SCHEMA {schema} TO {name}; GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {name}"
    execute(postgres_schema, f"CREATE ROLE {name} LOGIN PASSWORD 'sesame'; {grants}")
    try:
        place = postgres_schema.rpartition("@")[2]
        found = told(f"postgresql://{name}:sesame@{place}")
        assert (found["role"][0]["result"], found["role"][0]["finding"].partition(":")[0]) == (
            "warning", f"role {name} only reads",
        )  # fmt: skip
        assert "that this role can see" in found["transactions"][0]["finding"]
        assert found["books"][0]["result"] == "ok"
    finally:
        execute(postgres_schema, f"DROP OWNED BY {name}; DROP ROLE {name}")


async def test_jobs_that_wait_and_workers_that_live(postgres_schema: str) -> None:
    app = App(postgres_schema)

    @app.job("mail")
    async def mail() -> None:
        pass

    async with app:
        await app.declare("other")
        await app.jobs.submit("other", [{}, {}])
        found = await asyncio.to_thread(told, postgres_schema)
        assert found["workers"][0]["finding"] == "no worker lives, and 2 jobs wait for one"
        async with app.worker(slots=3, threads=1):
            found = await asyncio.to_thread(told, postgres_schema)
    assert found["workers"][0]["finding"] == "1 live worker, 0 of 4 slots used"
    assert found["unhandled"][0]["finding"] == "queued jobs that no live worker handles: 2 of other"
    assert found["jobs"][0]["result"] == "ok"
