"""A worker process of a run: until SIGTERM, or until it is killed."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from contextlib import AsyncExitStack

from jobledger import App
from jobledger.errors import StoreError
from tests.faults.chaos import settings as parameters
from tests.faults.chaos.handlers import register
from tests.faults.chaos.journal import Journal
from tests.faults.chaos.pause import pause
from tests.faults.chaos.witness import Witness
from tests.faults.wall_clock import follow

AGAIN_SECONDS = 0.2
log = logging.getLogger("chaos.worker")


async def main(settings: parameters.Settings, place: int) -> None:
    app, witness = App(settings.way(place)), Witness(Journal(settings.attempts_path))
    register(app, witness)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    while not ended.is_set():
        is_there = False
        try:
            async with AsyncExitStack() as exits:
                await exits.enter_async_context(app)
                witness.listen(app._opened_door().store)
                worker = app.worker(slots=settings.slots, threads=settings.threads, lease=settings.lease)
                witness.node = await exits.enter_async_context(worker)
                is_there = True
                await ended.wait()
        except StoreError as error:
            if is_there:
                raise
            log.warning("it can't begin yet: %s", error)  # whoever runs it would start it again
            await pause(AGAIN_SECONDS)


if __name__ == "__main__":
    follow()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s")
    asyncio.run(main(parameters.read(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0))
