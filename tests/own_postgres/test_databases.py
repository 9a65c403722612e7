"""Fresh databases: empty or prepared, in a server of one's own or in somebody else's."""

from collections.abc import Awaitable, Callable, Iterator

import asyncpg
import pytest

from jobledger.errors import InvalidOption
from jobledger.testing.postgres import OwnServer, Server
from tests.own_postgres.rows import connected, do, value
from tests.plugins.postgres import postgres_versions

TABLES = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
NAMES = "SELECT array_agg(datname::text ORDER BY datname) FROM pg_database"

pytestmark = pytest.mark.parametrize("postgres_on", postgres_versions(), indirect=True)


@pytest.fixture
def guest(postgres_on: OwnServer) -> Iterator[Server]:
    """Somebody else's server, by its URL."""
    with Server(postgres_on.url()) as server:
        yield server


@pytest.mark.parametrize("whose", ["postgres_on", "guest"])
async def test_fresh_and_gone(request: pytest.FixtureRequest, postgres_on: OwnServer, whose: str) -> None:
    server: Server = request.getfixturevalue(whose)
    before = await value(postgres_on.url(), NAMES)
    with server.database() as one, server.database() as two:
        await do(one, "CREATE TABLE one (n int)")
        assert await value(two, TABLES) == 0
    assert await value(postgres_on.url(), NAMES) == before


@pytest.mark.parametrize("whose", ["postgres_on", "guest"])
async def test_dropped_under_its_users(request: pytest.FixtureRequest, postgres_on: OwnServer, whose: str) -> None:
    server: Server = request.getfixturevalue(whose)
    name = server.create_database()
    async with connected(server.url(name)) as left_open:
        server.drop_database(name)
        assert name not in str(await value(postgres_on.url(), NAMES))
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
            await left_open.fetchval("SELECT 1")


async def made(url: str) -> None:
    await do(url, "CREATE TABLE one (n int)", "INSERT INTO one VALUES (7)")


@pytest.mark.parametrize("blocking", [False, True])
async def test_prepared_once_and_copied(postgres_on: OwnServer, blocking: bool) -> None:
    calls: list[str] = []

    def prepare(url: str) -> Awaitable[None] | None:
        calls.append(url)
        return None if blocking else made(url)

    with postgres_on.database(prepare) as one, postgres_on.database(prepare) as two:
        assert len(calls) == 1
        assert await value(one, TABLES) == await value(two, TABLES) == (not blocking)
        await do(one, "CREATE TABLE another (n int)")
        assert await value(two, TABLES) == (not blocking)
        with pytest.raises(asyncpg.PostgresError, match="not currently accepting connections"):
            await value(calls[0], "SELECT 1")


async def test_two_ways_of_preparing(postgres_on: OwnServer) -> None:
    async def otherwise(url: str) -> None:
        await do(url, "CREATE TABLE a (n int)", "CREATE TABLE b (n int)")

    prepares: list[Callable[[str], Awaitable[None]]] = [made, otherwise, made]
    seen = []
    for prepare in prepares:
        with postgres_on.database(prepare) as url:
            seen.append(await value(url, TABLES))
    assert seen == [1, 2, 1]


async def test_a_guest_takes_all_of_its_own_along(postgres_on: OwnServer) -> None:
    before = await value(postgres_on.url(), NAMES)
    with Server(postgres_on.url()) as guest, Server(postgres_on.url()) as other:
        assert guest.version == postgres_on.version
        kept = other.create_database()
        guest.create_database()
        guest.create_database(made)
        guest.close()
        with pytest.raises(InvalidOption, match="was not made here, so it stays"):
            guest.drop_database(kept)
        assert await value(other.url(kept), "SELECT 1") == 1
    assert await value(postgres_on.url(), NAMES) == before


@pytest.mark.parametrize("url", ["sqlite:///jobs.db", "postgresql://host", "postgresql://host/", "jobs"])
def test_no_server(postgres_on: OwnServer, url: str) -> None:
    with pytest.raises(InvalidOption, match="a server is named like postgresql://"):
        Server(url)
