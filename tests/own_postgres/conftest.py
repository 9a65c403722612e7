"""Servers that may be broken, and directories that anybody can reach."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobledger.testing import postgres
from jobledger.testing.postgres import OwnServer


@pytest.fixture(scope="module")
def own_server(request: pytest.FixtureRequest) -> Iterator[OwnServer]:
    """Parametrised with `postgres_versions()`; a test that breaks it mends it."""
    with postgres.start(request.param) as server:
        yield server


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """A directory outside of pytest's own, which only its user can go through."""
    directory = Path(tempfile.mkdtemp(prefix="jobledger-open-"))
    directory.chmod(0o777)
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def root() -> None:
    if os.geteuid() or not Path("/proc").exists():
        pytest.skip("this is about running as root, on Linux")
