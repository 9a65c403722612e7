"""What the suite's tests are given, and the audit that follows each of them."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from jobledger.conformance.driver import Driver

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobledger.conformance.factory import StoreFactory


@pytest.fixture
def driver(store_factory: StoreFactory) -> Iterator[Driver]:
    """A fresh store with two types, a worker and a client."""
    with closing(Driver(store_factory)) as driver:
        yield driver


@pytest.fixture(autouse=True)
def audited(driver: Driver) -> Iterator[None]:
    """Whatever a test did: the books balance after it, and no structural rule is broken."""
    yield
    driver.audit()
