"""Jobs of one entity run one at a time, in the order in which they were submitted."""

import asyncio

from jobledger import App
from tests.waiting import until


async def test_jobs_of_an_entity_run_in_order(app: App) -> None:
    """However many slots there are, `customer:42` gets its jobs one after the other."""
    done: list[int] = []
    running: list[int] = []

    @app.job("step")
    async def step(*, number: int) -> None:
        running.append(number)
        assert running == [number]
        await asyncio.sleep(0)
        running.remove(number)
        done.append(number)

    async with app.worker(slots=10):
        jobs = [await step.options(entity="customer:42").submit(number=number) for number in range(20)]
        await app.jobs.result(jobs[-1], wait=5)

    assert done == list(range(20))


async def test_entities_do_not_wait_for_each_other(app: App) -> None:
    """A slow job holds up its own entity, and nobody else."""
    gate = asyncio.Event()
    done: list[str] = []

    @app.job("step")
    async def step(*, of: str, slow: bool = False) -> None:
        if slow:
            await gate.wait()
        done.append(of)

    async with app.worker():
        await step.options(entity="a").submit(of="a", slow=True)
        behind = await step.options(entity="a").submit(of="a again")
        await app.jobs.result(await step.options(entity="b").submit(of="b"), wait=5)
        await app.jobs.result(await step.submit(of="nobody"), wait=5)
        assert done == ["b", "nobody"]
        gate.set()
        await app.jobs.result(behind, wait=5)

    assert done == ["b", "nobody", "a", "a again"]


async def test_priority_never_reorders_an_entity(app: App) -> None:
    """A critical job waits behind the low one that was there before it."""
    done: list[str] = []

    @app.job("step")
    async def step(*, name: str) -> None:
        done.append(name)

    async with app:
        await step.options(entity="a", priority="low").submit(name="first")
        last = await step.options(entity="a", priority="critical").submit(name="second")
        async with app.worker():
            await app.jobs.result(last, wait=5)

    assert done == ["first", "second"]


async def test_types_share_an_entity(app: App) -> None:
    """The entity's order goes over all types."""
    done: list[str] = []

    @app.job("charge")
    async def charge() -> None:
        done.append("charge")

    @app.job("receipt")
    def receipt() -> None:
        done.append("receipt")

    async with app:
        jobs = [await handler.options(entity="a").submit() for handler in (receipt, charge, receipt)]
        async with app.worker():
            await app.jobs.result(jobs[-1], wait=5)

    assert done == ["receipt", "charge", "receipt"]


async def test_a_retry_keeps_its_entity_waiting(app: App) -> None:
    """During a back-off the next job of the entity waits: order is kept."""
    done: list[str] = []

    @app.job("step", retry_base=0)
    async def step(*, name: str, fails: bool = False) -> None:
        done.append(name)
        if fails and done.count(name) < 3:
            raise OSError

    async with app:
        await step.options(entity="a").submit(name="first", fails=True)
        last = await step.options(entity="a").submit(name="second")
        async with app.worker():
            await app.jobs.result(last, wait=5)

    assert done == ["first", "first", "first", "second"]


async def test_a_retry_can_step_aside(app: App) -> None:
    """With `on_retry="step-aside"` the entity's next job goes first."""
    done: list[str] = []

    @app.job("step", on_retry="step-aside", retry_base=60)
    async def step(*, name: str, fails: bool = False) -> None:
        done.append(name)
        if fails:
            raise OSError

    async with app.worker():
        first = await step.options(entity="a").submit(name="first", fails=True)
        await app.jobs.result(await step.options(entity="a").submit(name="second"), wait=5)
        assert (await app.jobs.status(first)).status == "queued"

    assert done == ["first", "second"]


async def test_a_delayed_job_does_not_hold_its_entity(app: App) -> None:
    """What is due later is not in anybody's way."""

    @app.job("step")
    async def step() -> None: ...

    async with app.worker():
        await step.options(entity="a", delay=3600).submit()
        await app.jobs.result(await step.options(entity="a").submit(), wait=5)


async def test_a_dead_letter_lets_its_entity_go_on(app: App) -> None:
    """A job that can't succeed does not bury the ones behind it."""
    done: list[str] = []

    @app.job("step", max_attempts=1)
    async def step(*, name: str) -> None:
        done.append(name)
        if name == "poison":
            raise OSError

    async with app:
        await step.options(entity="a").submit(name="poison")
        last = await step.options(entity="a").submit(name="next")
        async with app.worker():
            await app.jobs.result(last, wait=5)
            await until(lambda: done == ["poison", "next"], "both have run")
