import itertools
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.shell import PROGRAM, Shell

_NUMBERS = itertools.count()


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """A command that runs in this process sets up its logs for good."""
    root, ours = logging.getLogger(), logging.getLogger("jobledger")
    handlers, level = [*root.handlers], ours.level
    yield
    root.handlers[:] = handlers
    ours.setLevel(level)


@pytest.fixture
def shell(
    tmp_path: Path, url: str, store_path: Path, monkeypatch: pytest.MonkeyPatch, books_balance: set[Path]
) -> Shell:
    """Commands on an empty folder, a store that is not made yet, and a module with handlers."""
    module = f"handlers_{next(_NUMBERS)}"
    (tmp_path / f"{module}.py").write_text(PROGRAM.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delenv("JOBLEDGER_URL", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    books_balance.add(store_path.resolve())
    return Shell(tmp_path, url, f"{module}:app")
