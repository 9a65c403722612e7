"""The story in a process of its own: ``program URL NOTES [BREAKAGE]``. It says in one line what ended it early."""

from __future__ import annotations

import asyncio
import logging
import sys
from pathlib import Path

from jobledger import App
from jobledger.errors import JobledgerError
from tests.faults.chaos.journal import Journal
from tests.faults.crashes.breakages import BREAKAGES
from tests.faults.crashes.notes import Closed
from tests.faults.crashes.story import Story

REFUSED = 3
"""The exit code when it was told what is wrong."""


def main(url: str, notes: str, *breakages: str) -> int:
    journal = Journal(Path(notes))
    for name in breakages:
        BREAKAGES[name].build_in(setattr)
    try:
        asyncio.run(Story(App(url), journal).tell())
    except JobledgerError as error:
        journal.write(Closed(type(error).__name__))
        sys.stderr.write(f"error: {error}\n")
        return REFUSED
    return 0


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    sys.exit(main(*sys.argv[1:]))
