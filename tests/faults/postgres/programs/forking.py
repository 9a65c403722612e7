"""A worker that leaves a child behind: ``forking URL``; the child has every descriptor that its parent has."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import warnings

from jobledger import App

app = App(sys.argv[1])


@app.job("work")
async def work() -> None: ...


async def main() -> None:
    async with app.worker():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # there are threads; the child only sleeps
            child = os.fork()
        if child == 0:
            signal.pause()
            os._exit(0)
        await app.jobs.submit("work")  # its own connections are as they were
        print("child", child, flush=True)  # noqa: T201 - the test reads it
        await asyncio.Event().wait()


asyncio.run(main())
