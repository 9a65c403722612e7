"""Submits jobs, each durable against a power cut, and says what came of it; it dies of what is unknown."""

import asyncio
import os
import signal
import sys

from jobledger import App
from jobledger.errors import OutcomeUnknown

app = App(f"sqlite:///{sys.argv[1]}")


async def main() -> None:
    async with app:
        await app.declare("work")
        for _ in range(int(sys.argv[2])):
            try:
                print("accepted", await app.jobs.submit("work"), flush=True)  # noqa: T201 - the test reads it
            except OutcomeUnknown as error:
                print("unknown", error.job_id, flush=True)  # noqa: T201 - as above
                os.kill(os.getpid(), signal.SIGKILL)


asyncio.run(main())
