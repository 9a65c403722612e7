"""The fixtures for tests of other things."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from jobledger.testing.postgres import OwnServer, Server
from tests.own_postgres.rows import do, value
from tests.plugins.postgres import postgres_versions

ROOT = Path(__file__).parents[2]
NAMES = "SELECT array_agg(datname::text ORDER BY datname) FROM pg_database"


def ran(file: Path, **variables: str) -> str:
    """What a run of pytest said that has no other plugin of ours; it must pass."""
    command = [sys.executable, "-m", "pytest", "-q", "-s", "-p", "tests.plugins.postgres", "-c", os.devnull, str(file)]
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"} | variables
    done = subprocess.run(command, cwd=file.parent, env=environment, capture_output=True, text=True, check=False)
    assert "1 passed" in done.stdout, done.stdout + done.stderr
    return done.stdout


async def test_a_database(postgres: Server, postgres_database: str) -> None:
    assert postgres_database.startswith(postgres.url().rpartition("/")[0])
    await do(postgres_database, "CREATE TABLE one (n int)")


async def test_a_fresh_one(postgres_database: str) -> None:
    await do(postgres_database, "CREATE TABLE one (n int)")


async def test_a_server_that_is_there_is_used(postgres: Server, tmp_path: Path) -> None:
    inner = tmp_path / "test_inner.py"
    inner.write_text(
        "from jobledger.testing.postgres import OwnServer\n"
        "def test_one(postgres, postgres_database):\n"
        "    assert not isinstance(postgres, OwnServer)\n"
        f"    assert postgres.url() == {postgres.url()!r}\n"
        "    print('in', postgres_database)\n"
    )
    before = await value(postgres.url(), NAMES)
    assert "/jobledger_test_" in ran(inner, JOBLEDGER_TEST_POSTGRES=postgres.url())
    assert await value(postgres.url(), NAMES) == before


def test_nothing_is_started_that_nobody_asks_for(tmp_path: Path) -> None:
    inner = tmp_path / "test_inner.py"
    inner.write_text(
        "from tests.plugins.postgres import postgres_versions\n"
        "from jobledger.testing.postgres import processes\n"
        "import os, sys\n"
        "def test_one():\n"
        "    assert postgres_versions()\n"
        "    assert processes.family(os.getpid()) == {os.getpid()}\n"
        "    assert 'asyncpg' not in sys.modules\n"
    )
    ran(inner)


@pytest.mark.parametrize("postgres_on", postgres_versions(), indirect=True)
async def test_each_version(postgres_on: OwnServer) -> None:
    assert await value(postgres_on.url(), "SHOW server_version_num") == str(postgres_on.version)
