"""A worker process of a run: until SIGTERM, or until it is killed."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys

from jobledger import App
from tests.faults.chaos import settings as parameters
from tests.faults.chaos.handlers import register
from tests.faults.chaos.journal import Journal
from tests.faults.chaos.witness import Witness
from tests.faults.wall_clock import follow


async def main(settings: parameters.Settings) -> None:
    app, witness = App(settings.url), Witness(Journal(settings.attempts_path))
    register(app, witness)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    async with app:
        witness.listen(app._opened_door().store)
        async with app.worker(slots=settings.slots, threads=settings.threads, lease=settings.lease) as node:
            witness.node = node
            await ended.wait()


if __name__ == "__main__":
    follow()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s")
    asyncio.run(main(parameters.read(sys.argv[1])))
