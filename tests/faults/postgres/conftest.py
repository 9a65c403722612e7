"""A server that tests may break, and a store in it; its books are audited after every test, whatever was done to it."""

import asyncio
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jobledger import App
from jobledger._core.books import Audit, balance
from jobledger.testing import postgres as servers
from jobledger.testing.postgres import OwnServer
from tests.faults.chaos import books
from tests.faults.chaos.settings import Settings
from tests.faults.freezer import Freezer


async def made(url: str) -> None:
    """A store without a job."""
    async with App(url, migrate=True):
        pass


@pytest.fixture(autouse=True)
def books_balance() -> None:
    """In place of the usual one: stores are audited once their server is whole again, by `url`."""


_told = pytest.StashKey[list[str]]()


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """What was measured, for the summary at the end of the run."""
    told = request.config.stash.setdefault(_told, [])
    return lambda text: told.append(f"{request.node.name}: {text}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if told := config.stash.get(_told, []):
        terminalreporter.section("figures")
        for line in told:
            terminalreporter.line(line)


@pytest.fixture(scope="session")
def breakable() -> Iterator[OwnServer]:
    with servers.start(settings={"max_connections": 60}) as server:
        yield server


@pytest.fixture
def server(breakable: OwnServer) -> Iterator[OwnServer]:
    yield breakable
    breakable.resume()
    breakable.start()


@pytest.fixture
def url(server: OwnServer) -> Iterator[str]:
    """A store of the test's own; fixtures and tests that use it have ended when it is audited."""
    with server.database(made) as url:
        yield url
        server.resume()
        server.start()
        assert audited(url).findings == 0


def audited(url: str) -> Audit:
    store = books.opened(url)
    try:
        return balance(store.audit())
    finally:
        store.close()


@pytest.fixture
def new_freezer(url: str, tmp_path: Path) -> Iterator[Callable[..., Freezer]]:
    """Worker processes, with the lease and the number that a test wants."""
    made: list[Freezer] = []

    def new_freezer(**settings: object) -> Freezer:
        freezer = Freezer(Settings(url=url, folder=str(tmp_path), **settings))  # type: ignore[arg-type]
        made.append(freezer)
        return freezer

    yield new_freezer
    for freezer in made:
        freezer.close()
        sys.stdout.write(freezer.log)  # shown where the test has failed


async def known(app: App, type_name: str) -> bool:
    return type_name in (await app.metrics.snapshot()).types


def paused(seconds: float) -> asyncio.Task[object]:
    """For faults that last: a server that is down, a network that is cut."""
    never = asyncio.get_running_loop().create_future()
    return asyncio.ensure_future(asyncio.wait([never], timeout=seconds))
