"""What a handler returns is kept with the job."""

from dataclasses import dataclass
from typing import Any

import pytest

from jobledger import App, Done, Fail, Retry
from jobledger.errors import JobEnded, NotEnded, NotFound


@dataclass
class Invoice:
    number: int
    lines: list[str]


async def test_a_result_is_plain_data(app: App) -> None:
    """`app.jobs.result` gives what JSON makes of the returned value."""

    @app.job("invoice")
    async def invoice(*, number: int) -> Invoice:
        return Invoice(number, ["tea"])

    async with app.worker():
        job_id = await invoice.submit(number=7)
        assert await app.jobs.result(job_id, wait=5) == {"number": 7, "lines": ["tea"]}


async def test_a_handlers_result_is_typed(app: App) -> None:
    """`handler.result` gives it back as the return annotation says."""

    @app.job("invoice")
    async def invoice(*, number: int) -> Invoice:
        return Invoice(number, ["tea"])

    async with app.worker():
        job_id = await invoice.submit(number=7)
        assert await invoice.result(job_id, wait=5) == Invoice(7, ["tea"])


async def test_answers_in_the_annotation_are_no_results(app: App) -> None:
    """A handler that may also answer Retry or Fail says so in its annotation; its result is the rest of it."""

    @app.job("invoice")
    async def invoice(*, number: int) -> Invoice | Retry | Fail:
        return Invoice(number, ["tea"])

    @app.job("done")
    async def done() -> Done:
        return Done({"sent": 3})

    async with app.worker():
        job_id = await invoice.submit(number=7)
        assert await invoice.result(job_id, wait=5) == Invoice(7, ["tea"])
        answer: Any = await done.result(await done.submit(), wait=5)
        assert answer == {"sent": 3}


async def test_keys_of_a_result_are_read_back_as_annotated(app: App) -> None:
    """JSON knows only text as keys; the annotation brings numbers back."""

    @app.job("count")
    async def count() -> dict[int, str]:
        return {1: "one"}

    async with app.worker():
        assert await count.result(await count.submit(), wait=5) == {1: "one"}


async def test_no_result_is_none(app: App) -> None:
    """A handler that returns nothing leaves None."""

    @app.job("greet")
    async def greet() -> None:
        return

    async with app.worker():
        assert await app.jobs.result(await greet.submit(), wait=5) is None


async def test_a_result_can_be_asked_for_before_the_end(app: App) -> None:
    """Without `wait`, or when it runs out, NotEnded says how the job is."""
    async with app:
        await app.declare("greet")
        job_id = await app.jobs.submit("greet")
        with pytest.raises(NotEnded, match="still queued"):
            await app.jobs.result(job_id)
        with pytest.raises(NotEnded, match=r"after 0\.05 s"):
            await app.jobs.result(job_id, wait=0.05)


async def test_a_job_that_did_not_complete_has_no_result(app: App) -> None:
    """JobEnded says how it ended, and why."""

    @app.job("refuse")
    async def refuse() -> Fail:
        return Fail("the card is blocked")

    async with app.worker():
        with pytest.raises(JobEnded, match="ended failed") as raised:
            await app.jobs.result(await refuse.submit(), wait=5)

    assert (raised.value.status, raised.value.error) == ("failed", "the card is blocked")


async def test_an_unknown_id_is_said_to_be_unknown(app: App) -> None:
    """All that takes an id raises NotFound for one that the store has not."""
    async with app:
        await app.declare("greet")
        for ask in (app.jobs.status, app.jobs.result, app.jobs.cancel, app.jobs.replay, app.jobs.discard):
            with pytest.raises(NotFound, match="no job '0193'"):
                await ask("0193")
