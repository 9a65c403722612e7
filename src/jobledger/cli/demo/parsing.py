"""What is found in one file."""

from __future__ import annotations

import ast
from collections import Counter
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

_BLOCKS: Final = ("body", "orelse", "finalbody", "handlers", "cases")


class Measured(msgspec.Struct, frozen=True):
    """What was found in one file; the result of its job."""

    kind: str
    bytes: int
    lines: int
    words: int
    functions: int = 0
    classes: int = 0


def measured(text: str, name: str) -> Measured:
    """Measure a text, as Python if its name says so.

    Raises:
        SyntaxError, ValueError: it is called ``.py`` and is no Python.

    Example:
        >>> measured("def f(): ...", "f.py").functions
        1
    """
    size, lines, words = len(text.encode()), len(text.splitlines()), len(text.split())
    if not name.endswith(".py"):
        return Measured("text", size, lines, words)
    kinds = Counter(type(node) for node in _statements(ast.parse(text, name)))
    functions = kinds[ast.FunctionDef] + kinds[ast.AsyncFunctionDef]
    return Measured("python", size, lines, words, functions, kinds[ast.ClassDef])


def _statements(tree: ast.AST) -> Iterator[ast.AST]:
    """All statements; `ast.walk` looks at every expression too, which takes almost as long as parsing."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        for block in _BLOCKS:
            waiting.extend(getattr(node, block, ()))
