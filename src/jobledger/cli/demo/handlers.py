"""The demo's App and its handlers.

``jobledger worker jobledger.cli.demo.handlers:app`` runs them without the demo: a replayed dead letter, say, or
what was left of a demo that was killed.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Final

from jobledger import App, Context
from jobledger._config import URL_VARIABLE
from jobledger.cli.demo.parsing import Measured, measured
from jobledger.cli.demo.witness import Witness

DEFAULT_DB: Final = "jobledger-demo.db"
MEASURE: Final = "stdlib.measure"
WATCH: Final = "stdlib.watch"
TYPES: Final = frozenset({MEASURE, WATCH})
ATTEMPTS: Final = 3
LINES_READ: Final = "lines_read_total"
_ROUND_SECONDS: Final = 0.05

app = App(os.environ.get(URL_VARIABLE) or f"sqlite:///{DEFAULT_DB}")
witness = Witness()


@app.job(MEASURE, max_attempts=ATTEMPTS, retry_base=0.05, on_retry="step-aside", timeout=30)
def measure(ctx: Context, *, path: str) -> Measured:
    """Read one file, decode it, and measure it; a .py file is parsed."""
    with witness.attempt(ctx) as sighting:
        found = measured(Path(path).read_bytes().decode(), path)
        ctx.metrics.counter(LINES_READ, kind=found.kind).inc(found.lines)
        sighting.lines = found.lines
        return found


@app.job(WATCH, priority="critical", max_attempts=ATTEMPTS)
async def watch(ctx: Context, *, root: str, rounds: int = 1200) -> int:
    """Watch a folder for changes, for a minute; a long job that can be stopped between any two rounds."""
    with witness.attempt(ctx):
        before = _entries(root)
        changes = 0
        for done in range(rounds):
            ctx.progress(100 * done / rounds, f"{len(before)} entries, {changes} changes")
            await asyncio.sleep(_ROUND_SECONDS)
            now = _entries(root)
            changes += len(before ^ now)
            before = now
        return changes


def _entries(root: str) -> set[tuple[str, int]]:
    with os.scandir(root) as entries:
        return {(entry.name, entry.stat(follow_symlinks=False).st_mtime_ns) for entry in entries}
