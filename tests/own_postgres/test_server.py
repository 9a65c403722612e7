"""A server of one's own, of every version that is here: it answers, stops, starts, freezes and dies at will."""

import asyncio
from collections.abc import Iterator

import asyncpg
import pytest

from jobledger.errors import StoreError
from jobledger.testing.postgres import OwnServer, processes
from jobledger.testing.postgres.server import Mode
from tests.own_postgres.rows import connected, do, value
from tests.plugins.postgres import postgres_versions

pytestmark = pytest.mark.parametrize("own_server", postgres_versions(), indirect=True)


@pytest.fixture
def server(own_server: OwnServer) -> Iterator[OwnServer]:
    yield own_server
    own_server.resume()
    own_server.start()


@pytest.fixture
def database(server: OwnServer) -> Iterator[str]:
    with server.database() as url:
        yield url
        server.resume()
        server.start()


async def test_it_answers_on_both_ways(server: OwnServer) -> None:
    assert await value(server.url(), "SELECT 1") == 1
    assert await value(server.socket_url(), "SELECT 1") == 1
    said = await value(server.url(), "SHOW server_version_num")
    assert said == str(server.version) == str(server.installation.version)


async def test_a_port_without_the_password_is_closed(server: OwnServer) -> None:
    user, _, rest = server.url().removeprefix("postgresql://").partition("@")
    with pytest.raises(asyncpg.InvalidPasswordError):
        await value(f"postgresql://{user.partition(':')[0]}:guessed@{rest}", "SELECT 1")


@pytest.mark.parametrize("mode", ["smart", "fast", "immediate"])
async def test_restart(server: OwnServer, database: str, mode: Mode) -> None:
    await do(database, "CREATE TABLE one (n int)", "INSERT INTO one VALUES (7)")
    before, url = server.pid, server.url()
    server.restart(mode)
    assert (server.pid != before, server.url()) == (True, url)
    assert await value(database, "SELECT n FROM one") == 7


async def test_a_stopped_server_is_gone_until_it_is_started(server: OwnServer) -> None:
    server.stop()
    server.stop()
    assert server.pid is None
    for url in (server.url(), server.socket_url()):
        with pytest.raises(OSError, match=r"Connect call failed|No such file"):
            await value(url, "SELECT 1")
    server.start()
    server.start()
    assert await value(server.url(), "SELECT 1") == 1


async def test_pause_and_resume(server: OwnServer, database: str) -> None:
    async with connected(database) as connection:
        backend = await connection.fetchval("SELECT pg_backend_pid()")
        server.pause()
        family = processes.family(server.pid or 0)
        assert {server.pid, backend} < family
        assert set(processes.states(family)) == {"T"}
        answer = asyncio.ensure_future(connection.fetchval("SELECT 2"))
        await asyncio.wait([answer], timeout=0.1)
        assert not answer.done()
        server.resume()
        assert await asyncio.wait_for(answer, 20) == 2


async def test_a_paused_server_can_be_stopped(server: OwnServer) -> None:
    server.pause()
    server.stop()
    assert server.pid is None


async def test_kill9_and_start_again(server: OwnServer, database: str) -> None:
    async with connected(database) as connection:
        await connection.execute("CREATE TABLE one (n int)")
        await connection.execute("INSERT INTO one VALUES (7)")
        family = processes.family(server.pid or 0)
        server.kill9()
        assert (server.pid, processes.states(family)) == (None, [])
        with pytest.raises((OSError, asyncpg.InterfaceError, asyncpg.PostgresConnectionError)):
            await connection.fetchval("SELECT 1")
    server.start()
    assert await value(database, "SELECT n FROM one") == 7


async def test_settings_hold_from_the_next_start_on(server: OwnServer) -> None:
    server.configure(max_connections=17, jit=False, application_name="it's \\ quoted")
    server.restart()
    assert await value(server.url(), "SHOW max_connections") == "17"
    assert await value(server.url(), "SHOW jit") == "off"
    assert await value(server.url(), "SHOW fsync") == "off"
    assert await value(server.url(), "SHOW application_name") == "it's \\ quoted"


async def test_a_server_that_can_not_start_says_why(server: OwnServer) -> None:
    server.configure(max_connections=0)
    with pytest.raises(StoreError, match=r"(?s)ended at once.*max_connections"):
        server.restart()
    server.configure(max_connections=20)
    server.start()
    assert await value(server.url(), "SHOW max_connections") == "20"
