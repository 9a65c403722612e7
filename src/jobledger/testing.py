"""For the tests of an application: when a test ends, the books of its store must balance.

Example:
    >>> @pytest.fixture  # doctest: +SKIP
    ... def app(tmp_path):
    ...     with audit_after(tmp_path / "jobs.db") as path:
    ...         yield App(f"sqlite:///{path}?durability=off")
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from jobledger._core.books import balance
from jobledger._store.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Generator

    from jobledger._core.books import Audit

__all__ = ["assert_balanced", "audit", "audit_after"]


def audit(path: Path | str) -> Audit:
    """The audit of an SQLite store that nobody has to have open; it only reads.

    Raises:
        StoreError: there is no store at this path.
    """
    store = SqliteStore(Path(path), lambda: time.time_ns() // 1000)
    try:
        return balance(store.audit())
    finally:
        store.close()


def assert_balanced(path: Path | str) -> None:
    """Fail unless every identity of the books holds and no structural rule is broken.

    Raises:
        AssertionError: names each equation that does not hold, and each broken rule with examples.
        StoreError: there is no store at this path.
    """
    found = audit(path)
    if found.balanced:
        return
    lines = [f"the books of {path} are out of balance:"]
    lines += [f"  {check.type}: {check.equation}: {check.left} is not {check.right}" for check in found.failed]
    lines += [f"  {one.rule}: {one.rows}, e.g. {', '.join(one.examples)}" for one in found.broken]
    raise AssertionError("\n".join(lines))


@contextmanager
def audit_after(path: Path | str) -> Generator[Path]:
    """Audit a store when the block ends, unless it was never made; an error in the block is not covered up.

    Raises:
        AssertionError: the books are out of balance.
    """
    file = Path(path)
    yield file
    if file.exists():
        assert_balanced(file)
