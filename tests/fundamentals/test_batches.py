"""A list of payloads is a batch: all of it, or nothing."""

import pytest

from jobledger import App, Item
from jobledger.errors import InvalidOption, InvalidPayload


async def test_a_list_is_a_batch(app: App) -> None:
    """The ids come in the order of the list."""
    async with app:
        await app.declare("mail")
        ids = await app.jobs.submit("mail", [{"to": "a"}, {"to": "b"}, {"to": "c"}])
        assert [(await app.jobs.status(job_id)).payload["to"] for job_id in ids] == ["a", "b", "c"]


async def test_an_item_has_options_of_its_own(app: App) -> None:
    """What an Item doesn't say comes from the call."""
    async with app:
        await app.declare("mail")
        ids = await app.jobs.submit(
            "mail", [{}, Item({}, entity="b", priority="low", delay=60)], entity="a", priority="high", batch="today"
        )
        one, two = [await app.jobs.status(job_id) for job_id in ids]

    assert (one.entity, one.priority, one.lane, one.batch) == ("a", "high", "ready", "today")
    assert (two.entity, two.priority, two.lane, two.batch) == ("b", "low", "scheduled", "today")


async def test_one_bad_item_refuses_the_batch(app: App) -> None:
    """The error names the item; nothing was submitted."""

    @app.job("mail")
    async def mail(*, to: str) -> None: ...

    async with app:
        with pytest.raises(InvalidPayload, match=r"item 1 of the batch: .*nothing was submitted"):
            await app.jobs.submit("mail", [{"to": "a"}, {"to": 5}])
        with pytest.raises(InvalidPayload, match=r"item 1 of the batch: a payload is a JSON object"):
            await app.jobs.submit("mail", [{"to": "a"}, "b"])
        with pytest.raises(InvalidOption, match=r"item 0 of the batch: unknown priority"):
            await app.jobs.submit("mail", [Item({"to": "a"}, priority="urgent")])
        assert (await app.jobs.list()).jobs == ()


async def test_an_empty_batch_is_nothing(app: App) -> None:
    """No ids, and no error."""
    async with app:
        await app.declare("mail")
        assert await app.jobs.submit("mail", []) == []
        assert await app.jobs.submit("nobody knows", []) == []


async def test_a_batch_has_limits(app: App) -> None:
    """10,000 items or 16 MiB; the error says to chunk."""
    async with app:
        await app.declare("mail")
        with pytest.raises(InvalidOption, match=r"at most 10,000 items, not 10,001: send it in chunks"):
            await app.jobs.submit("mail", [{}] * 10_001)
        with pytest.raises(InvalidOption, match=r"bytes of payload, not .*: send it in chunks"):
            await app.jobs.submit("mail", [{"x": "a" * 200_000}] * 90)
        assert len(await app.jobs.submit("mail", [{}] * 10_000)) == 10_000


async def test_a_batch_is_one_moment(app: App) -> None:
    """All its jobs are submitted at the same time, in the order of the list."""
    async with app:
        await app.declare("mail")
        ids = await app.jobs.submit("mail", [{}] * 20)
        page = await app.jobs.list(newest_first=False)

    assert [job.id for job in page.jobs] == ids
    assert len({job.submitted_at for job in page.jobs}) == 1
