"""Several Apps on one file, in one process or in many: every job runs once."""

import asyncio
from collections.abc import Callable

from jobledger import App
from tests.waiting import until


async def test_two_workers_share_the_work(new_app: Callable[[], App]) -> None:
    """Each job is run by one of them, an entity's in order; both print the same books."""
    apps = [new_app(), new_app()]
    ran: list[tuple[int, int]] = []
    running: set[str] = set()

    def register(index: int, app: App) -> None:
        @app.job("work")
        async def work(*, number: int, entity: str) -> None:
            assert entity not in running
            running.add(entity)
            await asyncio.sleep(0)
            running.discard(entity)
            ran.append((index, number))

    for index, app in enumerate(apps):
        register(index, app)
    first, second = apps
    async with first, second:
        for number in range(100):
            payload = {"number": number, "entity": f"{number % 7}"}
            await apps[number % 2].jobs.submit("work", payload, entity=f"{number % 7}")
        async with first.worker(slots=4), second.worker(slots=4):
            await until(lambda: len(ran) == 100, "all have run")
        values = [await app.metrics.jobs.completions.read(type="work") for app in apps]
        assert values == [100, 100]

    assert sorted(number for _, number in ran) == list(range(100))
    assert {index for index, _ in ran} == {0, 1}
    for entity in range(7):
        numbers = [number for _, number in ran if number % 7 == entity]
        assert numbers == sorted(numbers)


async def test_what_one_settles_another_sees(new_app: Callable[[], App]) -> None:
    """A parked job of one worker's type is started when the other worker frees its entity."""
    mails, bills = new_app(), new_app()
    done: list[str] = []
    gate = asyncio.Event()

    @mails.job("mail")
    async def mail() -> None:
        await gate.wait()
        done.append("mail")

    @bills.job("bill")
    async def bill() -> None:
        done.append("bill")

    async with mails.worker(), bills.worker():
        await mails.jobs.submit("mail", entity="a")
        last = await bills.jobs.submit("bill", entity="a")
        await until(lambda: running(mails, "mail"), "the mail is being sent")
        assert (await bills.jobs.status(last)).lane == "parked"
        gate.set()
        await bills.jobs.result(last, wait=5)

    assert done == ["mail", "bill"]


async def test_closing_one_leaves_the_other_alone(new_app: Callable[[], App]) -> None:
    """Their lock file is one, and closing an App must not drop the other's locks."""
    staying, going = new_app(), new_app()
    gate = asyncio.Event()

    @staying.job("work")
    async def work() -> str:
        await gate.wait()
        return "done"

    async with staying.worker():
        job_id = await work.submit()
        await until(lambda: running(staying, "work"), "it runs")
        for _ in range(3):
            async with going:
                await going.declare("other")
                door = going._opened_door()
                assert await door.run(door.store.take_over) == ()
        gate.set()
        assert await work.result(job_id, wait=5) == "done"
        assert (await staying.jobs.status(job_id)).losses == 0


async def running(app: App, type_name: str) -> bool:
    return bool(await app.metrics.jobs.running.read(type=type_name) > 0)
