"""A plain `def` handler runs in a thread, so that it may block."""

import contextvars
import threading

from jobledger import App, Context
from tests.waiting import until


async def test_a_def_handler_runs_in_a_thread(app: App) -> None:
    """It blocks no other job: not the `async def` ones, not the other threads."""
    both = threading.Barrier(2)

    @app.job("block")
    def block(ctx: Context) -> str:
        both.wait(10)
        return threading.current_thread().name

    @app.job("quick")
    async def quick() -> None: ...

    async with app.worker(threads=2):
        first = await block.submit()
        await quick.result(await quick.submit(), wait=5)
        second = await block.submit()
        names = {await block.result(first, wait=5), await block.result(second, wait=5)}

    assert len(names) == 2
    assert threading.current_thread().name not in names


async def test_threads_are_slots_of_their_own(app: App) -> None:
    """`threads` is how many `def` handlers run at once; the others wait, in the store."""
    gate = threading.Event()
    running: list[int] = []

    @app.job("block")
    def block(*, number: int) -> None:
        running.append(number)
        gate.wait(10)

    async with app.worker(threads=2):
        jobs = [await block.submit(number=number) for number in range(4)]
        await until(lambda: len(running) == 2, "two run")
        assert await app.metrics.jobs.running.read(type="block") == 2
        assert await app.metrics.jobs.queue_depth.read(type="block") == 2
        gate.set()
        for job_id in jobs:
            await block.result(job_id, wait=5)


async def test_a_thread_sees_the_context_variables_of_its_own(app: App) -> None:
    """What one handler sets, no other job sees."""
    tenant = contextvars.ContextVar("tenant", default="nobody")

    @app.job("work")
    def work(*, of: str) -> str:
        before = tenant.get()
        tenant.set(of)
        return before

    async with app.worker(threads=1):
        for name in ("a", "b"):
            assert await work.result(await work.submit(of=name), wait=5) == "nobody"
