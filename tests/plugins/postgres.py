"""PostgreSQL for tests; a server is started when the first test asks for one, once per session.

A fresh database, in the server that ``JOBLEDGER_TEST_POSTGRES=postgresql://…`` names, else in one of our own:

    async def test_it(postgres_database: str) -> None: ...

The same on every version that this machine has:

    @pytest.mark.parametrize("postgres_on", postgres_versions(), indirect=True)
    async def test_it(postgres_on: Server) -> None: ...

These servers are shared: a test that stops, freezes or kills one starts its own (`jobledger.testing.postgres.start`).
"""

import os
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from _pytest.mark import ParameterSet

from jobledger.testing import postgres as servers
from jobledger.testing.postgres import OwnServer, Server

if TYPE_CHECKING:
    from tests.postgres_place import Schemas

VARIABLE = "JOBLEDGER_TEST_POSTGRES"
VERSION = "JOBLEDGER_TEST_POSTGRES_VERSION"
"""A major version for the server of one's own, e.g. 14; else the preferred one."""


def postgres_versions() -> list[ParameterSet]:
    """Each version that can be run here; nothing is started for that. Where there is none, the test fails."""
    preferred = {one.version: one for one in reversed(servers.installations())}
    found = [pytest.param(one, id=f"postgres-{one.name}") for _, one in sorted(preferred.items())]
    return found or [pytest.param(None, id="postgres-missing")]


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """The server of this session."""
    url, version = os.environ.get(VARIABLE), os.environ.get(VERSION)
    with Server(url) if url else servers.start(int(version) if version else None) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_on(request: pytest.FixtureRequest) -> Iterator[OwnServer]:
    """The server of one version; pytest puts the tests of each version together, in any order of tests."""
    with servers.start(request.param) as server:
        yield server


@pytest.fixture
def postgres_database(postgres: Server) -> Iterator[str]:
    """The URL of a fresh and empty database; it is dropped afterwards, together with its connections."""
    with postgres.database() as url:
        yield url


@pytest.fixture(scope="session")
def postgres_schemas(postgres: Server) -> "Iterator[Schemas]":
    """Migrated and empty schemas, in one database of this session."""
    from tests.postgres_place import Schemas

    with postgres.database() as url, closing(Schemas(url)) as schemas:
        yield schemas


@pytest.fixture
def postgres_schema(postgres_schemas: "Schemas") -> Iterator[str]:
    """The URL of a store that is migrated and empty."""
    url = postgres_schemas.lend()
    yield url
    postgres_schemas.take_back(url)
