"""The SQLite store passes the conformance suite."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jobledger.conformance.suite import *  # noqa: F403 - the suite is meant to be imported whole
from tests.sqlite_file import SqliteFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def store_factory(tmp_path: Path) -> Iterator[SqliteFile]:
    file = SqliteFile(tmp_path / "jobs.db")
    yield file
    file.forget()
