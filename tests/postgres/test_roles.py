"""The roles of docs/postgres.md: each may do its work, and nothing more."""

from __future__ import annotations

import asyncio
import re
import secrets
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import asyncpg
import pytest

from jobledger import App, Context, Fail
from jobledger._store.open import open_store
from jobledger._store.postgres.migrate import brought
from jobledger._store.postgres.target import Target
from jobledger.errors import JobEnded, StoreReadOnly
from tests.postgres.filled import connected

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PAGE: Final = Path(__file__).parents[2] / "docs" / "postgres.md"
ROLES: Final = ("jobs_owner", "jobs_worker", "jobs_submit", "jobs_read")
PASSWORD: Final = "open sesame"  # noqa: S105 - of these roles only


def statements(when: str, suffix: str) -> str:
    """A block of the page, for roles of this test: a server has its roles for all databases."""
    found = re.search(
        rf"^<!-- roles: {when} -->\n```sql\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    assert found is not None
    return re.sub(rf"\b({'|'.join(ROLES)})\b", rf"\1{suffix}", found[1])


class Cast:
    """The URL of each role, on one database."""

    def __init__(self, url: str, suffix: str) -> None:
        self._url = urlsplit(url)
        self._suffix = suffix

    def __call__(self, role: str) -> str:
        place = self._url.netloc.rpartition("@")[2]
        return self._url._replace(netloc=f"{role}{self._suffix}:{PASSWORD.replace(' ', '%20')}@{place}").geturl()


@pytest.fixture
async def cast(postgres_database: str) -> AsyncIterator[Cast]:
    suffix = f"_{secrets.token_hex(4)}"
    names = ", ".join(f"{role}{suffix}" for role in ROLES)
    cast = Cast(postgres_database, suffix)
    async with connected(postgres_database) as admin:
        try:
            await admin.execute(statements("before", suffix))
            for role in ROLES:
                await admin.execute(f"ALTER ROLE {role}{suffix} PASSWORD '{PASSWORD}'")
            await asyncio.to_thread(brought, Target.of(cast("jobs_owner")), None)
            await admin.execute(statements("after", suffix))
            yield cast
        finally:
            for role in ROLES:
                await admin.execute(f"DROP OWNED BY {role}{suffix} CASCADE")
            await admin.execute(f"DROP ROLE {names}")


def handlers(url: str) -> App:
    app = App(url)

    @app.job("mail", max_attempts=2, retry_base=0.001)
    async def mail(ctx: Context, *, to: str) -> str | Fail:
        ctx.metrics.counter("mails_total").inc()
        ctx.progress(50, "half")
        if to == "nobody":
            return Fail("no such address")
        if to == "busy" and ctx.attempt == 1:
            raise OSError("busy")
        return f"sent to {to}"

    return app


async def test_a_worker_and_its_clients(cast: Cast) -> None:
    """Everything that a life of a job may need: retries, mailboxes, keys, cancels, the dead and their replay."""
    app = handlers(cast("jobs_worker"))
    async with app.worker(), App(cast("jobs_worker")) as client:
        jobs = client.jobs
        await jobs.submit("mail", {"to": "later"}, delay=3600, dedupe="once")
        assert not (await jobs.submit("mail", {"to": "later"}, delay=3600, dedupe="once")).created
        first = await jobs.submit("mail", {"to": "busy"}, entity="ada")
        second = await jobs.submit("mail", {"to": "ada"}, entity="ada")
        assert [await jobs.result(one, wait=10) for one in (first, second)] == ["sent to busy", "sent to ada"]
        dead = await jobs.submit("mail", {"to": "nobody"})
        with pytest.raises(JobEnded):
            await jobs.result(dead, wait=10)
        await jobs.replay(dead)
        with pytest.raises(JobEnded):
            await jobs.result(dead, wait=10)
        await jobs.discard(dead)
        await jobs.cancel(await jobs.submit("mail", {"to": "never"}, delay=3600))
        assert (await client.metrics.audit()).balanced
        assert await client.metrics.jobs.completions.read(type="mail") == 2


async def test_upkeep(cast: Cast) -> None:
    """What a worker's duties do: take over, fold, sample, forget."""
    await asyncio.to_thread(_keep_up, cast("jobs_worker"))


def _keep_up(url: str) -> None:
    with closing(open_store(url, lambda: 0)) as store:
        store.take_over()
        store.fold()
        store.sample(0)
        store.prune(0, 10)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE jobledger.mine (a int)",
        "DROP TABLE jobledger.job",
        "TRUNCATE jobledger.job",
        "ALTER TABLE jobledger.job ADD COLUMN mine int",
        "CREATE OR REPLACE FUNCTION jobledger.clock() RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint'",
        "UPDATE jobledger.book SET version = 0",
        "CREATE SCHEMA another",
    ],
)
@pytest.mark.parametrize("role", ["jobs_worker", "jobs_submit", "jobs_read"])
async def test_nobody_but_the_owner_changes_the_schema(cast: Cast, role: str, statement: str) -> None:
    async with connected(cast(role)) as connection:
        with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.InvalidSchemaNameError)):
            await connection.execute(statement)


async def test_a_worker_can_not_migrate(cast: Cast) -> None:
    """There is nothing to do, so that is fine; a schema that is missing it can't make."""
    assert (await asyncio.to_thread(brought, Target.of(cast("jobs_worker")), None)).done == ()
    with pytest.raises(StoreReadOnly, match=r"the role may not do this .*docs/postgres\.md"):
        await asyncio.to_thread(brought, Target.of(f"{cast('jobs_worker')}?schema=another"), None)


async def test_a_reader_reads(cast: Cast) -> None:
    """Metrics, audits, lists and jobs; it changes nothing."""
    async with App(cast("jobs_worker")) as app:
        await app.declare("mail")
        job_id = await app.jobs.submit("mail", {"to": "ada"})
    async with App(cast("jobs_read"), read_only=True) as reader:
        assert b"jobs_enqueued_total" in await reader.metrics.text(openmetrics=True)
        assert (await reader.metrics.audit()).balanced
        assert (await reader.jobs.status(job_id)).payload == {"to": "ada"}
        assert [job.id for job in (await reader.jobs.list(status="queued")).jobs] == [job_id]
    with pytest.raises(StoreReadOnly, match="the role may not do this"):
        async with App(cast("jobs_read")) as app:
            await app.jobs.submit("mail", {"to": "ada"})


async def test_who_only_submits(cast: Cast) -> None:
    """The function runs as the owner; the tables can't even be read."""
    async with App(cast("jobs_worker")) as app:
        await app.declare("mail")
        async with connected(cast("jobs_submit")) as connection:
            job_id = await connection.fetchval("SELECT jobledger.submit('mail', '{\"to\": \"ada\"}')")
            for table in ("job", "ended", "writer", "ledger", "book"):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.fetch(f"SELECT 1 FROM jobledger.{table}")  # noqa: S608 - ours
        assert (await app.jobs.status(job_id)).payload == {"to": "ada"}


async def test_a_stranger_sees_no_schema(cast: Cast, postgres_database: str) -> None:
    """Nothing is granted to everybody: the message names what is missing."""
    async with connected(postgres_database) as admin:
        await admin.execute(f"REVOKE USAGE ON SCHEMA jobledger FROM {urlsplit(cast('jobs_read')).username}")
    with pytest.raises(StoreReadOnly, match=r"permission denied for schema jobledger.*docs/postgres\.md"):
        async with App(cast("jobs_read"), read_only=True):
            pass
