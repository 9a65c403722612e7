"""SQL files: every statement has a name and a purpose, is used, and compiles."""

from __future__ import annotations

import re
from contextlib import closing
from typing import TYPE_CHECKING

import apsw
import pytest

from jobledger._store.sqlite.connection import PACKAGE
from jobledger._store.statements import MARK, migrations, statements

if TYPE_CHECKING:
    from pathlib import Path

FILES = ("queries.sql", "audit.sql", "schema.sql")


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of one's own, to put ``.sql`` files into."""
    folder = tmp_path / f"sql_{abs(hash(tmp_path))}"
    folder.mkdir()
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    return folder


def test_a_file_gives_its_statements_by_name(package: Path) -> None:
    (package / "a.sql").write_text(
        f"-- Foreword.\n\n{MARK}one\n-- First.\nSELECT 1;\n\n{MARK}two\n-- Second.\nSELECT 2\n"
    )
    assert statements(package.name, "a.sql") == {"one": "-- First.\nSELECT 1", "two": "-- Second.\nSELECT 2"}


@pytest.mark.parametrize(
    "text", [f"{MARK}a\n-- x\nS;\n{MARK}a\n-- y\nS;", f"{MARK}a\nSELECT 1;"], ids=["twice", "no purpose"]
)
def test_a_name_that_stands_twice_or_has_no_purpose_is_refused(package: Path, text: str) -> None:
    (package / "bad.sql").write_text(text)
    with pytest.raises(ValueError, match="'a' stands twice or lacks its line of purpose"):
        statements(package.name, "bad.sql")


def test_migrations_come_in_order(package: Path) -> None:
    (package / "migrations").mkdir()
    for name in ("0002_b.sql", "0001_a.sql", "0010_c.sql", "notes.txt"):
        (package / "migrations" / name).write_text(name)
    assert migrations(package.name) == [(1, "0001_a.sql"), (2, "0002_b.sql"), (10, "0010_c.sql")]


def test_the_stores_migrations_are_numbered_without_gaps() -> None:
    numbers = [number for number, _ in migrations(PACKAGE)]
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("file", FILES)
def test_every_statement_of_the_store_compiles_against_its_schema(file: str) -> None:
    with closing(apsw.Connection(":memory:")) as connection:
        for _, text in migrations(PACKAGE):
            connection.execute(text)
        for name, text in statements(PACKAGE, file).items():
            if name in {"begin", "commit", "rollback"}:
                continue
            numbers = {int(number) for number in re.findall(r"\?(\d+)", text)}
            holes = dict.fromkeys(re.findall(r":(\w+)", text)) or (None,) * (len(numbers) or text.count("?"))
            plan = list(connection.execute(f"EXPLAIN {text}", holes))
            assert plan, name


def test_every_rule_of_the_audit_finds_nothing_in_an_empty_store() -> None:
    with closing(apsw.Connection(":memory:")) as connection:
        for _, text in migrations(PACKAGE):
            connection.execute(text)
        rules = {name: text for name, text in statements(PACKAGE, "audit.sql").items() if name.startswith("rule_")}
        assert rules
        assert [name for name, text in rules.items() if list(connection.execute(text))] == []
