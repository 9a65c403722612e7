"""A worker whose only job is a thread that does not stop; it ends its process once it is told to go on."""

import asyncio
import os
import sys
import threading

from jobledger import App
from jobledger._runtime import node
from jobledger.errors import WorkerStuck

app = App(f"sqlite:///{sys.argv[1]}?durability=off")
started = threading.Event()


@app.job("stuck")
def stuck() -> None:
    started.set()
    threading.Event().wait(30)


async def main() -> None:
    node._STOP_SECONDS = 0.05
    try:
        async with app.worker(grace=0):
            print(await stuck.submit(), flush=True)  # noqa: T201 - the test reads it
            await asyncio.to_thread(started.wait)
    except WorkerStuck as error:
        print("WorkerStuck", *error.job_ids, flush=True)  # noqa: T201 - the test reads it
        await asyncio.wait([asyncio.get_running_loop().create_future()], timeout=0.3)
        os._exit(70)


asyncio.run(main())
