"""The fixture of what is the same on every store."""

from pathlib import Path

import pytest


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, store_path: Path) -> str:
    """An SQLite file that is not made yet, or a schema of PostgreSQL that is migrated and empty."""
    if request.param == "sqlite":
        return f"sqlite:///{store_path}?durability=off"
    schema: str = request.getfixturevalue("postgres_schema")
    return schema
