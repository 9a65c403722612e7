"""From an empty place to the closing report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console

from jobledger.cli.demo.database import clear, inputs_of, url_of
from jobledger.cli.demo.files import find, library
from jobledger.cli.demo.handlers import app
from jobledger.cli.demo.live import live_on
from jobledger.cli.demo.parsing import PROCESSES
from jobledger.cli.demo.plan import plan
from jobledger.cli.demo.play import play
from jobledger.cli.demo.report import collect

if TYPE_CHECKING:
    from pathlib import Path

    from jobledger.cli.demo.report import Report


async def run(db: Path, slots: int | None, limit: int | None) -> Report:
    """Run the demo.

    Raises:
        JobledgerError: the database can't be replaced or written.
    """
    await clear(db)
    app.url = url_of(db)
    root = library()
    with live_on(Console(stderr=True)) as live:
        live.say(f"reading the standard library, {root}")
        planned = plan(root, find(root, limit), inputs_of(db))
        # More slots than processes: while one job is being committed, the next one is parsed.
        course = await play(planned, live, slots or 2 * PROCESSES)
    return await collect(app.url, planned, course)
