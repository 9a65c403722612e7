"""From an empty place to the closing report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.console import Console

from jobledger.cli.demo.files import find, library
from jobledger.cli.demo.handlers import app
from jobledger.cli.demo.live import live_on
from jobledger.cli.demo.plan import plan
from jobledger.cli.demo.play import play
from jobledger.cli.demo.report import collect

if TYPE_CHECKING:
    from jobledger.cli.demo.report import Report
    from jobledger.cli.demo.stage import Stage


_SLOTS: Final = 2
"""Jobs at once in each worker: while one of them is being committed, the next one is parsed."""


async def run(stage: Stage, slots: int | None, limit: int | None) -> Report:
    """Run the demo on a store that is new.

    Raises:
        JobledgerError: it can't be written, or no worker lives any more.
    """
    app.url = stage.url
    root = library()
    with live_on(Console(stderr=True)) as live:
        live.say(f"the store: {stage.name}")
        live.say(f"reading the standard library, {root}")
        planned = plan(root, find(root, limit), stage.inputs)
        course = await play(planned, live, slots or _SLOTS, stage.seen)
    return await collect(stage, planned, course)
