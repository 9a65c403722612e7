"""A dedupe key lets one job of a type in at a time."""

import pytest

from jobledger import App, Fail, Item
from jobledger.errors import Duplicate, InvalidOption, JobEnded


async def test_a_held_key_gives_back_the_holder(app: App) -> None:
    """The second submit is answered with the first job; `.created` tells which it was."""
    async with app:
        await app.declare("report")
        first = await app.jobs.submit("report", {"day": 1}, dedupe="today")
        second = await app.jobs.submit("report", {"day": 2}, dedupe="today")
        assert (first.created, second.created) == (True, False)
        assert second == first
        assert (await app.jobs.status(first)).payload == {"day": 1}
        assert await app.metrics.jobs.enqueued.read(type="report") == 1
        assert await app.metrics.jobs.deduplicated.read(type="report") == 1


async def test_a_duplicate_can_be_an_error(app: App) -> None:
    """With `on_duplicate="raise"`; the error carries the holder's id."""
    async with app:
        await app.declare("report")
        first = await app.jobs.submit("report", dedupe="today")
        with pytest.raises(Duplicate, match="'today' is held") as raised:
            await app.jobs.submit("report", dedupe="today", on_duplicate="raise")
        assert raised.value.job_id == first


async def test_a_key_is_free_when_its_job_has_ended(app: App) -> None:
    """However it ended: a dead letter doesn't hold its key either."""

    @app.job("report")
    async def report(*, fails: bool = False) -> Fail | None:
        return Fail("no") if fails else None

    async with app.worker():
        done = await report.options(dedupe="k").submit()
        await app.jobs.result(done, wait=5)
        dead = await report.options(dedupe="k").submit(fails=True)
        with pytest.raises(JobEnded):
            await app.jobs.result(dead, wait=5)
        again = await report.options(dedupe="k").submit()
        assert len({done, dead, again}) == 3
        assert again.created


async def test_a_key_can_be_held_for_a_time(app: App) -> None:
    """`dedupe_for` holds it that long from the submit, also when the job has ended long before."""

    @app.job("report")
    async def report() -> None: ...

    async with app.worker():
        first = await report.options(dedupe="k", dedupe_for=60).submit()
        await report.result(first, wait=5)
        assert await report.options(dedupe="k").submit() == first


async def test_a_cancelled_job_holds_nothing(app: App) -> None:
    """Nothing was done, so nothing would be repeated."""
    async with app:
        await app.declare("report")
        first = await app.jobs.submit("report", dedupe="k", dedupe_for=60)
        await app.jobs.cancel(first)
        assert (await app.jobs.submit("report", dedupe="k")).created


async def test_keys_are_per_type(app: App) -> None:
    """The same key means nothing to another type."""
    async with app:
        await app.declare("report")
        await app.declare("mail")
        assert (await app.jobs.submit("report", dedupe="k")).created
        assert (await app.jobs.submit("mail", dedupe="k")).created


async def test_a_batch_is_refused_whole(app: App) -> None:
    """One held key, with `on_duplicate="raise"`: all or nothing."""
    async with app:
        await app.declare("report")
        await app.jobs.submit("report", dedupe="k")
        with pytest.raises(Duplicate):
            await app.jobs.submit("report", [Item({}), Item({}, dedupe="k")], on_duplicate="raise")
        with pytest.raises(InvalidOption, match="two items of the batch have the dedupe key 'j'"):
            await app.jobs.submit("report", [Item({}, dedupe="j"), Item({}, dedupe="j")], on_duplicate="raise")
        assert len((await app.jobs.list()).jobs) == 1


async def test_a_batch_may_return_duplicates(app: App) -> None:
    """Each id says for itself whether it was created; also a key twice in one batch."""
    async with app:
        await app.declare("report")
        held = await app.jobs.submit("report", dedupe="k")
        ids = await app.jobs.submit("report", [{}, Item({}, dedupe="k"), Item({}, dedupe="j"), Item({}, dedupe="j")])
        assert [job_id.created for job_id in ids] == [True, False, True, False]
        assert (ids[1], ids[3]) == (held, ids[2])
