import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from jobledger import App

pytest_plugins = ["tests.plugins.audited", "tests.plugins.debian", "tests.plugins.postgres"]

for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, handler)  # a background job of a shell: its children would ignore it, too


@pytest.fixture
def store_path(tmp_path: Path) -> Path:
    return tmp_path / "jobs.db"


@pytest.fixture
def url(store_path: Path) -> str:
    return f"sqlite:///{store_path}?durability=off"


@pytest.fixture
def new_app(url: str) -> Callable[[], App]:
    """Apps on the test's one store, not opened yet: a worker here, a client there."""
    return lambda: App(url)


@pytest.fixture
def app(new_app: Callable[[], App]) -> App:
    return new_app()
