"""The failure matrix in docs/faults.md has all its rows, and every test that it names is there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from jobledger.conformance import suite
from tests.postgres.proof import mutants, test_fence_mutants, test_races
from tests.postgres.proof.schema import Mutant
from tests.unit import test_fence_mutants as of_files

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "faults.md"
ROWS = 30
NAMED = re.compile(r"`([\w/]+\.py(?:::\w+)+)`")


def rows(title: str = "## The failure matrix\n") -> list[list[str]]:
    _, _, rest = PAGE.read_text(encoding="utf-8").partition(title)
    table = rest.partition("\n##")[0]
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in table.splitlines() if line[:1] == "|"]


def named() -> list[str]:
    return sorted({name for row in rows() for cell in row for name in NAMED.findall(cell)})


def test_each_row_has_for_each_store_a_test_or_a_reason() -> None:
    numbered = rows()[2:]
    assert [row[0] for row in numbered] == [str(number) for number in range(1, ROWS + 1)]
    for row in numbered:
        assert len(row) == 5, row
        assert all(re.search("[a-z]{3}", cell) for cell in row[1:]), row
        assert NAMED.search("".join(row)), row


@pytest.mark.parametrize("name", named())
def test_what_a_row_names_is_a_test(name: str) -> None:
    file, *parts = name.split("::")
    path = TESTS / file
    assert path.name.startswith("test_")
    assert path.is_file()
    if path.parent.name == "conformance":
        class_name, method = parts
        assert callable(getattr(getattr(suite, class_name), method))
    else:
        assert parts[0].startswith(("test_", "Test"))
        assert parts[0] in defined(path)


@cache
def defined(path: Path) -> set[str]:
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return {one.name for one in body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)}


def test_each_rule_has_its_mutants() -> None:
    """On each store that has the rule; and they are there."""
    known = [
        {mutant.name for mutant in of_files.MUTANTS},
        {one.rule for module in (mutants, test_fence_mutants, test_races) for one in vars(module).values()
         if isinstance(one, Mutant)},
    ]  # fmt: skip
    rules = rows("### The rules of fence, takeover, mailbox and ledger\n")[2:]
    assert len(rules) == 7
    for _, *cells in rules:
        for cell, names in zip(cells, known, strict=True):
            told = set(re.findall('"([^"]+)"', cell))
            assert told <= names
            assert told or cell == "there is no such lock"
