"""A type is the name that a handler is registered under."""

from collections.abc import Callable

import pytest

from jobledger import App
from jobledger.errors import InvalidOption, UnknownType
from tests.waiting import until


async def test_an_unknown_type_is_refused_with_near_matches(app: App) -> None:
    """A typing error is not accepted and then never run."""

    @app.job("email.send")
    async def send() -> None: ...

    async with app:
        with pytest.raises(UnknownType, match=r"unknown job type 'emial.send'. Did you mean 'email.send'\?") as raised:
            await app.jobs.submit("emial.send")
        assert raised.value.near == ("email.send",)
        with pytest.raises(UnknownType, match=r"after app.declare\('xyz'\)"):
            await app.jobs.submit("xyz")


async def test_a_type_can_be_declared_without_a_handler(app: App) -> None:
    """A web process that only submits says which types it means, with their defaults."""
    async with app:
        await app.declare("email.send", priority="high", max_attempts=3, timeout=5)
        report = await app.jobs.status(await app.jobs.submit("email.send"))

    assert (report.priority, report.max_attempts) == ("high", 3)


async def test_a_type_is_known_to_all_once_a_worker_has_it(new_app: Callable[[], App]) -> None:
    """Names are looked up in the store when this process doesn't know them."""
    server, client = new_app(), new_app()

    async with client:
        with pytest.raises(UnknownType):
            await client.jobs.submit("email.send")

        @server.job("email.send", priority="low")
        async def send() -> None: ...

        async with server.worker():
            job_id = await client.jobs.submit("email.send")
            assert (await client.jobs.status(job_id)).priority == "low"


async def test_a_handler_may_be_registered_while_the_app_is_open(app: App) -> None:
    """The next worker of this App runs it."""
    async with app:

        @app.job("late")
        async def late() -> str:
            return "done"

        async with app.worker():
            assert await late.result(await late.submit(), wait=5) == "done"


async def test_a_worker_claims_only_what_it_has_handlers_for(new_app: Callable[[], App]) -> None:
    """What nobody handles waits, and a gauge shows it."""
    mails, bills = new_app(), new_app()
    done: list[str] = []

    @mails.job("mail")
    async def mail() -> None:
        done.append("mail")

    @bills.job("bill")
    async def bill() -> None:
        done.append("bill")

    async with bills:
        await bills.jobs.submit("bill")
        async with mails.worker():
            await mail.result(await mails.jobs.submit("mail"), wait=5)
            assert await mails.metrics.jobs.unhandled.read(type="bill") == 1
        assert done == ["mail"]
        async with bills.worker():
            await until(lambda: done == ["mail", "bill"], "the other worker has run it")


async def test_a_name_has_one_handler(app: App) -> None:
    """Two handlers for one type are a mistake."""
    app.job("mail")(lambda: None)
    with pytest.raises(InvalidOption, match="two handlers are registered as 'mail'"):
        app.job("mail")(lambda: None)


async def test_a_worker_needs_a_handler(app: App) -> None:
    """Without one it could run nothing."""
    with pytest.raises(InvalidOption, match="no handlers"):
        async with app.worker():
            pass
