"""Work on a store for Prometheus to see: every kind of outcome, and then a steady load for as long as it looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobledger import App, Cancel, Fail, JobId, Retry
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

TRACE = "0af7651916cd43dd8448eb211c80319c"
TYPES = ("email.send", "report.render")


async def make(url: str) -> None:
    """An SQLite file, so that it can be served before there is a job."""
    async with App(url):
        pass


async def worked_on(url: str, seen: Callable[[], Awaitable[bool]]) -> JobId:
    """Jobs of every outcome, and more of them until they were seen; then two that no worker runs.

    Returns:
        The last job that a worker completed; it belongs to the trace `TRACE`.
    """
    app = App(url)

    @app.job("email.send")
    async def send(n: int) -> Retry | None:
        return Retry(after=3600) if n % 3 == 0 else None

    @app.job("report.render", max_attempts=1)
    async def render(answer: str) -> Cancel | Fail | None:
        answers: dict[str, Cancel | Fail] = {"cancel": Cancel("never mind"), "fail": Fail("for good")}
        return answers.get(answer)

    async with app.worker(threads=2):
        _, _, gone, again, _ = [await render.submit(answer=answer) for answer in ("", "cancel", "fail", "fail", "fail")]
        await app.jobs.cancel(await render.options(delay=3600).submit(answer=""))
        await until(lambda: _is_idle(app), "every attempt has ended", timeout=30)
        await app.jobs.discard(gone)
        await app.jobs.replay(again)
        while not await seen():
            for priority in ("low", "high"):
                await app.jobs.submit("email.send", [{"n": n} for n in range(10)], priority=priority)
        await until(lambda: _is_idle(app), "every attempt has ended", timeout=30)
        last = await render.options(trace=f"00-{TRACE}-b7ad6b7169203331-01").submit(answer="")
        await render.result(last, wait=30)
    async with app:
        await render.submit(answer="")
        await render.options(delay=3600).submit(answer="")
    return last


async def _is_idle(app: App) -> bool:
    jobs = app.metrics.jobs
    return not await jobs.queue_depth.read() and not await jobs.running.read()
