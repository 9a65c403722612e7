"""A worker whose files may not grow any more, and later may again; it says what came of that."""

import asyncio
import json
import resource
import sys
from pathlib import Path
from typing import Any

from jobledger import App
from jobledger.errors import StoreFull
from tests.waiting import until

path = Path(sys.argv[1])
app = App(f"sqlite:///{path}")
gate = asyncio.Event()
runs: list[int] = []
NO_LIMIT = resource.RLIM_INFINITY


@app.job("work")
async def work(*, n: int) -> int:
    runs.append(n)
    await gate.wait()
    return n


def limit(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, NO_LIMIT))


async def fill_up() -> tuple[list[str], str]:
    accepted: list[str] = []
    while True:
        try:
            accepted.append(await app.jobs.submit("big", {"text": "x" * 50_000}))
        except StoreFull as error:
            return accepted, str(error)


async def main() -> dict[str, Any]:
    async with app.worker(slots=1, threads=0):
        await app.declare("big")
        jobs = [await work.submit(n=n) for n in range(2)]
        await until(lambda: runs, "the first one runs")
        limit(path.with_name("jobs.db-wal").stat().st_size + 150_000)
        accepted, error = await fill_up()
        gate.set()
        door = app._opened_door()
        await until(lambda: door._settlements, "its settlement waits")
        started = len(runs)
        limit(NO_LIMIT)
        results = [await work.result(job_id, wait=20) for job_id in jobs]
        kept = [job.id for job in (await app.jobs.list(type="big", limit=1000, newest_first=False)).jobs]
        return {"error": error, "started": started, "results": results, "runs": runs, "kept": kept == accepted}


print(json.dumps(asyncio.run(main())), flush=True)  # noqa: T201 - the test reads it
