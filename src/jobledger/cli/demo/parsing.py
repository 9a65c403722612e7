"""Parsing uses the CPU, so it runs in processes of its own, and the worker's event loop stays free."""

from __future__ import annotations

import ast
import asyncio
import multiprocessing
import os
import signal
import threading
import warnings
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

PROCESSES: Final = min(os.cpu_count() or 1, 8)
_BLOCKS: Final = ("body", "orelse", "finalbody", "handlers", "cases")


class Measured(msgspec.Struct, frozen=True):
    """What was found in one file; the result of its job."""

    kind: str
    bytes: int
    lines: int
    words: int
    functions: int = 0
    classes: int = 0


class Parsers:
    """A pool of processes, started at first use."""

    def __init__(self) -> None:
        """Nothing is started yet."""
        self._pool: ProcessPoolExecutor | None = None

    async def measure(self, text: str, name: str) -> Measured:
        """Measure a text in another process, as Python if its name says so.

        Raises:
            SyntaxError, ValueError: it is no Python.
        """
        try:
            return await asyncio.get_running_loop().run_in_executor(self._started(), measured, text, name)
        except BrokenProcessPool:
            self.close()  # a process died: the job's next attempt gets new ones
            raise

    async def warm_up(self) -> None:
        """Start the processes, so that the first jobs don't wait for them."""
        await asyncio.gather(*(self.measure("", "") for _ in range(PROCESSES)))

    def close(self) -> None:
        """End the processes."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(cancel_futures=True)

    def _started(self) -> ProcessPoolExecutor:
        if self._pool is None:
            # Not forked: a copy of a process with threads and an open database would be neither safe nor ours.
            self._pool = ProcessPoolExecutor(PROCESSES, multiprocessing.get_context("spawn"), _settle_in)
        return self._pool


def measured(text: str, name: str) -> Measured:
    """Measure a text.

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


def _settle_in() -> None:
    """In the new process: no warnings about other people's code, Ctrl-C is the parent's, and no life without it."""
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow_parent, daemon=True).start()


def _follow_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
