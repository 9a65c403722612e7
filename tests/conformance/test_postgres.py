"""The PostgreSQL store passes the conformance suite."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jobledger.conformance.suite import *  # noqa: F403 - the suite is meant to be imported whole
from tests.postgres_place import PostgresPlace, Schemas

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.unaudited("the suite audits after each of its tests itself")


@pytest.fixture
def store_factory(postgres_schemas: Schemas) -> Iterator[PostgresPlace]:
    place = PostgresPlace(postgres_schemas)
    yield place
    place.forget()
