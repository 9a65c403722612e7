"""A store of one test, driven step by step; its books are audited at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jobledger._store.postgres.store import PostgresStore
from jobledger.conformance.driver import Driver
from tests.postgres_place import PostgresPlace, Schemas

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def driver(postgres_schemas: Schemas) -> Iterator[Driver]:
    place = PostgresPlace(postgres_schemas)
    driver = Driver(place)
    yield driver
    driver.audit()
    driver.close()
    place.forget()


@pytest.fixture
def store(driver: Driver) -> PostgresStore:
    store = driver.store
    assert isinstance(store, PostgresStore)
    return store
