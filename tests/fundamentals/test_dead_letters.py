"""A job that can't succeed is kept as a dead letter: with its errors, to be replayed or discarded."""

import pytest

from jobledger import App
from jobledger.errors import JobEnded, NotDead


class Service:
    """Something that a handler needs and that is down at first."""

    def __init__(self) -> None:
        self.up = False

    def call(self) -> str:
        if not self.up:
            raise ConnectionError
        return "called"


def service_of(app: App) -> Service:
    service = Service()

    @app.job("call", max_attempts=1)
    async def call(*, order: int) -> str:
        return service.call()

    return service


async def dead_letter(app: App, order: int = 1, entity: str | None = None) -> str:
    job_id = await app.jobs.submit("call", {"order": order}, entity=entity)
    with pytest.raises(JobEnded):
        await app.jobs.result(job_id, wait=5)
    return job_id


async def test_a_dead_letter_keeps_everything(app: App) -> None:
    """Its payload, its attempts and their errors are there to look at."""
    service_of(app)
    async with app.worker():
        job_id = await dead_letter(app)
        report = await app.jobs.status(job_id)

    assert (report.status, report.reason, report.payload) == ("failed", "MaxAttempts", {"order": 1})
    assert "ConnectionError" in (report.error or "")
    assert [entry.event for entry in report.history] == ["submitted", "started", "dead_lettered"]


async def test_replay_gives_it_a_new_life(app: App) -> None:
    """The same id, the same history, all attempts anew."""
    service = service_of(app)
    async with app.worker():
        job_id = await dead_letter(app)
        service.up = True
        await app.jobs.replay(job_id)
        assert await app.jobs.result(job_id, wait=5) == "called"
        report = await app.jobs.status(job_id)
        assert await app.metrics.jobs.dlq_size.read(type="call") == 0

    events = [entry.event for entry in report.history]
    assert events == ["submitted", "started", "dead_lettered", "replayed", "started", "completed"]
    assert (report.attempt, report.error) == (1, None)


async def test_a_replayed_job_goes_to_the_end_of_its_entity(app: App) -> None:
    """What came meanwhile is not overtaken."""
    service = service_of(app)
    async with app.worker():
        job_id = await dead_letter(app, entity="a")
        service.up = True
    async with app:
        before = await app.jobs.submit("call", {"order": 2}, entity="a")
        await app.jobs.replay(job_id)
        async with app.worker():
            await app.jobs.result(job_id, wait=5)
            assert (await app.jobs.status(before)).status == "complete"


async def test_discard_ends_it_for_good(app: App) -> None:
    """A discarded job is done with; the queue is smaller by one."""
    service_of(app)
    async with app.worker():
        job_id = await dead_letter(app)
        await app.jobs.discard(job_id)
        assert (await app.jobs.status(job_id)).status == "discarded"
        assert await app.metrics.jobs.dlq_size.read(type="call") == 0
        with pytest.raises(NotDead, match="is discarded, not dead"):
            await app.jobs.replay(job_id)


async def test_only_dead_letters_can_be_replayed_or_discarded(app: App) -> None:
    """For any other job NotDead says what it is instead."""
    service_of(app)
    async with app:
        job_id = await app.jobs.submit("call", {"order": 1})
        for ask, verb in ((app.jobs.replay, "replayed"), (app.jobs.discard, "discarded")):
            with pytest.raises(NotDead, match=f"is queued, not dead: only .* can be {verb}"):
                await ask(job_id)


async def test_dead_letters_are_listed(app: App) -> None:
    """`list(status="failed")` is the dead-letter queue."""
    service = service_of(app)
    async with app.worker():
        dead = [await dead_letter(app, order) for order in range(3)]
        service.up = True
        await app.jobs.result(await app.jobs.submit("call", {"order": 9}), wait=5)
        page = await app.jobs.list(status="failed", newest_first=False)

    assert [job.id for job in page.jobs] == dead
