"""When a test ends, the books of its store must balance."""

from __future__ import annotations

import os
import time
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from jobledger._core.books import balance
from jobledger._store.open import is_postgres, open_store
from jobledger._store.postgres.target import Target
from jobledger._store.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Generator

    from jobledger._core.books import Audit
    from jobledger._store.contract import Store

__all__ = ["assert_balanced", "audit", "audit_after"]

Place = TypeVar("Place", Path, str)


def audit(place: Path | str) -> Audit:
    """The audit of a store that nobody has to have open; it only reads.

    Args:
        place: the path of an SQLite file, or a URL.

    Raises:
        StoreError: there is no store.
    """
    with closing(_store(place)) as store:
        return balance(store.audit())


def assert_balanced(place: Path | str) -> None:
    """Fail unless every identity of the books holds and no structural rule is broken.

    Args:
        place: the path of an SQLite file, or a URL.

    Raises:
        AssertionError: names each equation that does not hold, and each broken rule with examples.
        StoreError: there is no store.
    """
    found = audit(place)
    if found.balanced:
        return
    lines = [f"the books of {_name(place)} are out of balance:"]
    lines += [f"  {check.type}: {check.equation}: {check.left} is not {check.right}" for check in found.failed]
    lines += [f"  {one.rule}: {one.rows}, e.g. {', '.join(one.examples)}" for one in found.broken]
    raise AssertionError("\n".join(lines))


@contextmanager
def audit_after(place: Place) -> Generator[Place]:
    """Audit a store when the block ends, unless it was never made; an error in the block is not covered up.

    Args:
        place: the path of an SQLite file, or a URL; it is given to the block as it is.

    Raises:
        AssertionError: the books are out of balance.
    """
    yield place
    if _is_made(place):
        assert_balanced(place)


def _store(place: Path | str) -> Store:
    if _is_url(place):
        return open_store(os.fspath(place), _now)
    return SqliteStore(Path(place), _now)


def _is_made(place: Path | str) -> bool:
    if _is_url(place) and is_postgres(os.fspath(place)):
        from jobledger._store.postgres.migrate import version_of

        return version_of(Target.of(os.fspath(place))) is not None
    store = _store(place)
    assert isinstance(store, SqliteStore)  # noqa: S101 - the other kind
    return store.path.exists()


def _is_url(place: Path | str) -> bool:
    return isinstance(place, str) and "://" in place


def _name(place: Path | str) -> str:
    """Without a password."""
    return Target.of(os.fspath(place)).name if _is_url(place) and is_postgres(os.fspath(place)) else os.fspath(place)


def _now() -> int:
    return time.time_ns() // 1000
