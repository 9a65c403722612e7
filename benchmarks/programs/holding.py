"""A worker whose jobs hold on at their first start, and end at once when they are started again.

``holding URL FOLDER LEASE [fork]``: with fork, each process leaves a child behind that sleeps on.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import time
import warnings
from pathlib import Path

from jobledger import App, Context

logging.getLogger("jobledger").setLevel(logging.ERROR)
app = App(sys.argv[1])
folder = Path(sys.argv[2])
log = os.open(folder / "starts", os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
forks = sys.argv[4:] == ["fork"]


@app.job("hold")
async def hold(ctx: Context) -> None:
    os.write(log, f"{ctx.job_id} {os.getpid()} {time.monotonic_ns()}\n".encode())
    try:
        os.close(os.open(folder / ctx.job_id, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return
    leave_a_child()
    await asyncio.Event().wait()


def leave_a_child() -> None:
    """It has every descriptor that its parent had open when it was killed."""
    global forks  # noqa: PLW0603 - one for each process
    if forks:
        forks = False
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # there are threads; the child only sleeps
            child = os.fork()
        if child == 0:
            signal.pause()
            os._exit(0)
        (folder / f"child-{child}").touch()


async def main() -> None:
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    async with app.worker(grace=0, lease=float(sys.argv[3])):
        print("ready", flush=True)
        await ended.wait()


asyncio.run(main())
