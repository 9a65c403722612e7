"""A worker in a store with a long queue: runs some jobs, reads all there is to read, and says what memory it took.

`bounded URL JOBS`: prints the largest resident memory, in KiB.
"""

import asyncio
import sys
from itertools import count
from pathlib import Path

from jobledger import App

app = App(sys.argv[1])
jobs = int(sys.argv[2])
done = asyncio.Event()
ran = count(1)


@app.job("work")
async def work(*, n: int) -> int:
    if next(ran) == jobs:
        done.set()
    return n


async def main() -> None:
    async with app.worker(slots=50, threads=0, grace=0):
        await done.wait()
        await app.metrics.render(None)
        await app.jobs.list(limit=1000)
        await app.jobs.list(limit=1000, entity="hot")
        await app.metrics.audit()


asyncio.run(main())
status = Path("/proc/self/status").read_text(encoding="ascii")
sys.stdout.write(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1])
