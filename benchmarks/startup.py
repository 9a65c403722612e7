"""How long it takes until one can begin: ``import jobledger``, and the command line, in processes of their own."""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
from time import perf_counter
from typing import TYPE_CHECKING

from benchmarks.measure import Benchmark, Line, Numbers

if TYPE_CHECKING:
    from benchmarks.bench import Bench

IMPORT = "import jobledger, alone"
BARE = "python -c pass, the whole process"
LIBRARY = "python -c 'import jobledger', the whole process"
COMMAND = "jobledger --version, the whole process"
_TIMED = "from time import perf_counter as now; began = now(); import jobledger; print((now() - began) * 1000)"
_PROCESSES = {
    BARE: ("-c", "pass"),
    LIBRARY: ("-c", "import jobledger"),
    COMMAND: ("-m", "jobledger", "--version"),
}


async def once(bench: Bench) -> Numbers:
    times = bench.size(15, 5)
    for words in _PROCESSES.values():
        await _run(*words)
    numbers: Numbers = {IMPORT: statistics.median([float(await _run("-c", _TIMED)) for _ in range(times)])}
    for name, words in _PROCESSES.items():
        took: list[float] = []
        for _ in range(times):
            began = perf_counter()
            await _run(*words)
            took.append((perf_counter() - began) * 1000)
        numbers[name] = statistics.median(took)
    bench.judge(0)  # no job, no books
    return numbers


async def _run(*words: str) -> str:
    command = [sys.executable, *words]
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True, text=True, env=env)
    return done.stdout


BENCHMARK = Benchmark(
    "startup",
    "from nothing to a library that can be used; modules are compiled already",
    (Line(IMPORT, "ms"), Line(BARE, "ms"), Line(LIBRARY, "ms"), Line(COMMAND, "ms")),
    once,
)
