"""The rules of the house that no linter knows, checked over the source (see CONTRIBUTING.md).

Each rule takes one parsed file and yields what it found; each is also shown an offence here, so that it can fail.
"""

import ast
import re
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeAlias

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = sorted((ROOT / "src" / "jobledger").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))

SOURCE_CEILING = 400
TEST_CEILING = 500
MEDIAN_CEILING = 140
FUNCTION_CEILING = 60

STATUSES = {"queued", "processing", "complete", "failed", "cancelled", "discarded"}
FORBIDDEN_NAMES = {"common", "helper", "helpers", "manager", "managers", "util", "utils"}
SQL = re.compile(r"\s*(SELECT\s|INSERT\s+INTO\b|UPDATE\s+\w+\s+SET\b|DELETE\s+FROM\b)")

Finding: TypeAlias = tuple[int, str]


@dataclass(frozen=True)
class File:
    path: Path
    text: str

    @property
    def lines(self) -> int:
        return len(self.text.splitlines())

    @property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(ast.parse(self.text)))

    @property
    def module(self) -> tuple[str, ...]:
        """The dotted name below `src` or the root: ("jobledger", "_core", "job")."""
        parts = self.path.relative_to(ROOT).with_suffix("").parts
        return parts[1:] if parts[0] == "src" else parts


Rule: TypeAlias = Callable[[File], Iterator[Finding]]


@cache
def read(path: Path) -> File:
    return File(path, path.read_text(encoding="utf-8"))


# The rules


def stays_below_its_ceiling(file: File) -> Iterator[Finding]:
    ceiling = TEST_CEILING if file.module[0] == "tests" else SOURCE_CEILING
    if file.lines > ceiling:
        yield ceiling + 1, f"the file has {file.lines} lines, the ceiling is {ceiling}"


def opens_with_a_docstring(file: File) -> Iterator[Finding]:
    if file.text.strip() and ast.get_docstring(ast.parse(file.text)) is None:
        yield 1, "the module has no docstring"


def has_short_functions(file: File) -> Iterator[Finding]:
    for node in file.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = span(node) - (span(node.body[0]) if ast.get_docstring(node) is not None else 0)
            if length > FUNCTION_CEILING:
                yield node.lineno, f"{node.name} has {length} lines, the ceiling is {FUNCTION_CEILING}"


def leaves_statuses_to_the_core(file: File) -> Iterator[Finding]:
    if file.module[:2] == ("jobledger", "_core"):
        return
    for node in file.nodes:
        match node:
            case ast.Compare(left=left, comparators=comparators):
                compared = [left, *comparators]
            case ast.MatchValue(value=value):
                compared = [value]
            case _:
                continue
        for literal in (one for operand in compared for one in alternatives(operand)):
            if isinstance(literal, ast.Constant) and literal.value in STATUSES:
                yield literal.lineno, f"compares with the status {literal.value!r}, which only the core may"


def holds_no_sql(file: File) -> Iterator[Finding]:
    for node in file.nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.match(node.value):
            yield node.lineno, "holds SQL: statements live in .sql files"


def swallows_no_errors(file: File) -> Iterator[Finding]:
    for node in file.nodes:
        match node:
            case ast.ExceptHandler(type=None):
                yield node.lineno, "a bare except"
            case ast.ExceptHandler(type=caught, body=body) if catches_everything(caught) and all(map(is_idle, body)):
                yield node.lineno, "catches everything and does nothing"
            case ast.Call(func=func, args=args) if called(func) == "suppress" and any(map(catches_everything, args)):
                yield node.lineno, "suppresses everything"
            case _:
                pass


def never_sleeps(file: File) -> Iterator[Finding]:
    for node in file.nodes:
        match node:
            case ast.Call(func=ast.Attribute(attr="sleep"), args=[ast.Constant(value=0)]):
                pass  # only lets the event loop turn
            case ast.Call(func=ast.Attribute(attr="sleep")):
                yield node.lineno, "sleeps: await an event, or wait for a condition"
            case ast.ImportFrom(names=names) if any(alias.name == "sleep" for alias in names):
                yield node.lineno, "imports sleep by name, which hides what it does"
            case _:
                pass


def is_named_for_one_concept(file: File) -> Iterator[Finding]:
    for name in file.module:
        if FORBIDDEN_NAMES.intersection(name.lower().split("_")):
            yield 1, f"the name {name!r} says nothing about what is inside"


# What the rules ask of a piece of syntax


def span(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def called(func: ast.expr) -> str:
    """The last part of the name that is called: "set" in set(…), "suppress" in contextlib.suppress(…)."""
    match func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def alternatives(operand: ast.expr) -> list[ast.expr]:
    """What an operand of a comparison may stand for: itself, or the members of a literal collection."""
    match operand:
        case ast.Tuple(elts=members) | ast.List(elts=members) | ast.Set(elts=members):
            return members
        case ast.Call(func=func, args=[collection]) if called(func) in {"frozenset", "list", "set", "tuple"}:
            return alternatives(collection)
        case _:
            return [operand]


def catches_everything(caught: ast.expr | None) -> bool:
    match caught:
        case ast.Tuple(elts=members):
            return any(map(catches_everything, members))
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name in {"BaseException", "Exception"}
        case _:
            return False


def is_idle(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Pass | ast.Continue) or (
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    )


# The checks

OVER_SOURCE: list[Rule] = [
    stays_below_its_ceiling,
    opens_with_a_docstring,
    has_short_functions,
    leaves_statuses_to_the_core,
    holds_no_sql,
    swallows_no_errors,
    is_named_for_one_concept,
]
OVER_TESTS: list[Rule] = [stays_below_its_ceiling, swallows_no_errors, never_sleeps]


def offences(rule: Rule, paths: list[Path]) -> list[str]:
    return [f"{path.relative_to(ROOT)}:{line}: {what}" for path in paths for line, what in rule(read(path))]


def check(rule: Rule, paths: list[Path]) -> None:
    found = offences(rule, paths)
    if found:
        pytest.fail("\n".join(found), pytrace=False)


def test_there_is_something_to_check() -> None:
    assert SOURCE
    assert TESTS


@pytest.mark.parametrize("rule", OVER_SOURCE, ids=lambda rule: rule.__name__)
def test_source(rule: Rule) -> None:
    check(rule, SOURCE)


@pytest.mark.parametrize("rule", OVER_TESTS, ids=lambda rule: rule.__name__)
def test_tests(rule: Rule) -> None:
    check(rule, TESTS)


def test_the_median_source_file_is_small() -> None:
    sizes = sorted(((read(path).lines, path) for path in SOURCE if read(path).lines), reverse=True)
    median = statistics.median(lines for lines, _ in sizes)
    larger = [f"{path.relative_to(ROOT)}:{lines}: lines" for lines, path in sizes if lines > MEDIAN_CEILING]
    if median > MEDIAN_CEILING:
        larger.insert(0, f"the median is {median} lines, the ceiling is {MEDIAN_CEILING}")
        pytest.fail("\n".join(larger), pytrace=False)


# Each rule finds its offence, on the line it is on, and lets the rest pass

LONG_DOCSTRING = '    """' + "words\n" * 70 + '    """\n'
LONG_BODY = "    x = 1\n" * 60

OFFENCES: list[tuple[Rule, str, int, str]] = [
    (stays_below_its_ceiling, "src/jobledger/app.py", 401, "x = 1\n" * 401),
    (stays_below_its_ceiling, "tests/test_app.py", 501, "x = 1\n" * 501),
    (opens_with_a_docstring, "src/jobledger/app.py", 1, "x = 1"),
    (has_short_functions, "src/jobledger/app.py", 2, "x = 1\ndef long():\n" + LONG_BODY),
    (has_short_functions, "src/jobledger/app.py", 2, "class C:\n async def long():\n" + LONG_DOCSTRING + LONG_BODY),
    (leaves_statuses_to_the_core, "src/jobledger/app.py", 1, "job.status == 'queued'"),
    (leaves_statuses_to_the_core, "src/jobledger/app.py", 2, "x = 1\n'failed' != job.status"),
    (leaves_statuses_to_the_core, "src/jobledger/app.py", 1, "job.status in ('complete', OTHER)"),
    (leaves_statuses_to_the_core, "src/jobledger/app.py", 1, "job.status in frozenset({'cancelled'})"),
    (leaves_statuses_to_the_core, "src/jobledger/app.py", 2, "match status:\n case 'done' | 'discarded': pass"),
    (holds_no_sql, "src/jobledger/app.py", 1, "x = 'SELECT 1'"),
    (holds_no_sql, "src/jobledger/app.py", 2, "x = 1\ny = f'''\n  INSERT INTO job VALUES ({x})'''"),
    (holds_no_sql, "src/jobledger/app.py", 1, "x = 'UPDATE job SET a = 1'"),
    (holds_no_sql, "src/jobledger/app.py", 1, "x = 'DELETE FROM job'"),
    (swallows_no_errors, "src/jobledger/app.py", 3, "try:\n x()\nexcept:\n log()"),
    (swallows_no_errors, "src/jobledger/app.py", 3, "try:\n x()\nexcept Exception:\n pass"),
    (swallows_no_errors, "src/jobledger/app.py", 3, "try:\n x()\nexcept (OSError, BaseException):\n ..."),
    (swallows_no_errors, "src/jobledger/app.py", 1, "with contextlib.suppress(Exception): x()"),
    (never_sleeps, "tests/test_app.py", 1, "time.sleep(0.1)"),
    (never_sleeps, "tests/test_app.py", 2, "async def f():\n await asyncio.sleep(delay)"),
    (never_sleeps, "tests/test_app.py", 1, "from asyncio import sleep"),
    (is_named_for_one_concept, "src/jobledger/_utils.py", 1, ""),
    (is_named_for_one_concept, "src/jobledger/helpers/app.py", 1, ""),
    (is_named_for_one_concept, "src/jobledger/job_manager.py", 1, ""),
]

FINE: list[tuple[Rule, str, str]] = [
    (stays_below_its_ceiling, "src/jobledger/app.py", "x = 1\n" * 400),
    (stays_below_its_ceiling, "tests/test_app.py", "x = 1\n" * 500),
    (opens_with_a_docstring, "src/jobledger/app.py", ""),
    (has_short_functions, "src/jobledger/app.py", "def long():\n" + LONG_DOCSTRING + "    x = 1\n" * 59),
    (leaves_statuses_to_the_core, "src/jobledger/_core/job.py", "job.status == 'queued'"),
    (leaves_statuses_to_the_core, "src/jobledger/app.py", "job.status is Status.QUEUED or row['failed'] == 1"),
    (holds_no_sql, "src/jobledger/app.py", "x = 'Select a store: SELECT is for readers'"),
    (swallows_no_errors, "src/jobledger/app.py", "try:\n x()\nexcept OSError:\n pass\nexcept Exception:\n log()"),
    (never_sleeps, "tests/test_app.py", "async def f():\n await asyncio.sleep(0)"),
    (is_named_for_one_concept, "src/jobledger/_commonplace.py", ""),
]


@pytest.mark.parametrize(("rule", "path", "line", "text"), OFFENCES)
def test_a_rule_finds_its_offence(rule: Rule, path: str, line: int, text: str) -> None:
    assert [found for found, _ in rule(File(ROOT / path, text))] == [line]


@pytest.mark.parametrize(("rule", "path", "text"), FINE)
def test_a_rule_lets_the_rest_pass(rule: Rule, path: str, text: str) -> None:
    assert list(rule(File(ROOT / path, text))) == []
