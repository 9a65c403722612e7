"""A payload is a JSON object that maps to the handler's parameters, typed by their annotations."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypedDict

import msgspec
import pydantic
import pytest

from jobledger import App, Context
from jobledger.errors import InvalidPayload


@dataclass
class Address:
    street: str
    tags: list[str] = field(default_factory=list)


class Order(msgspec.Struct):
    number: int
    at: datetime


class Flags(TypedDict):
    dry: bool


class Card(pydantic.BaseModel):
    owner: str
    digits: str = pydantic.Field(pattern=r"^\d{4}$")


async def received(app: App, name: str, payload: dict[str, Any], into: list[Any]) -> Any:
    async with app.worker():
        await app.jobs.result(await app.jobs.submit(name, payload), wait=5)
    (value,) = into
    return value


async def test_a_dataclass(app: App) -> None:
    """A dataclass goes as an object and comes back as what it was."""
    seen: list[Any] = []

    @app.job("ship")
    async def ship(*, to: Address) -> None:
        seen.append(to)

    assert await received(app, "ship", {"to": Address("Main St", ["home"])}, seen) == Address("Main St", ["home"])


async def test_a_struct(app: App) -> None:
    """So does a msgspec.Struct, with what is inside of it."""
    seen: list[Any] = []

    @app.job("order")
    async def order(*, order: Order) -> None:
        seen.append(order)

    given = Order(7, datetime(2026, 1, 2, tzinfo=UTC))
    assert await received(app, "order", {"order": given}, seen) == given


async def test_a_typed_dict(app: App) -> None:
    """A TypedDict is checked and stays a dict."""
    seen: list[Any] = []

    @app.job("run")
    async def run(*, flags: Flags) -> None:
        seen.append(flags)

    assert await received(app, "run", {"flags": {"dry": True}}, seen) == {"dry": True}


async def test_a_pydantic_model(app: App) -> None:
    """A pydantic model, where pydantic is in use, is validated by its own rules."""
    seen: list[Any] = []

    @app.job("charge")
    async def charge(*, card: Card) -> None:
        seen.append(card)

    async with app:
        with pytest.raises(InvalidPayload, match="digits"):
            await app.jobs.submit("charge", {"card": {"owner": "Ada", "digits": "12"}})
    assert await received(app, "charge", {"card": Card(owner="Ada", digits="1234")}, seen) == Card(
        owner="Ada", digits="1234"
    )


async def test_plain_parameters_and_defaults(app: App) -> None:
    """Parameters with a default may be left out; a list as default is not shared between jobs by the payload."""
    seen: list[Any] = []

    @app.job("mail")
    async def mail(*, to: str, copies: int = 1, tags: list[str] = []) -> None:  # noqa: B006 - the point
        seen.append((to, copies, tags))

    assert await received(app, "mail", {"to": "a@b.c"}, seen) == ("a@b.c", 1, [])


async def test_open_parameters_take_whatever_comes(app: App) -> None:
    """`**rest` takes the names that no parameter has."""
    seen: list[Any] = []

    @app.job("hook")
    async def hook(ctx: Context, *, url: str, **rest: Any) -> None:
        seen.append((url, rest))

    assert await received(app, "hook", {"url": "/", "a": 1, "b": [2]}, seen) == ("/", {"a": 1, "b": [2]})


@pytest.mark.parametrize(
    ("payload", "says"),
    [
        ({}, "missing required field `to`"),
        ({"to": 5}, "Expected `str`, got `int`"),
        ({"to": "a", "from": "b"}, "unknown field `from`"),
        ({"to": "a", "copies": "many"}, r"Expected `int`, got `str` - at `\$.copies`"),
    ],
)
async def test_what_does_not_fit_is_refused_at_once(app: App, payload: dict[str, Any], says: str) -> None:
    """Where the handler is known, a payload that doesn't fit it is never accepted."""

    @app.job("mail")
    async def mail(*, to: str, copies: int = 1) -> None: ...

    async with app:
        with pytest.raises(InvalidPayload, match=says):
            await app.jobs.submit("mail", payload)
        assert (await app.jobs.list()).jobs == ()


@pytest.mark.parametrize("payload", ["text", 5, ("a", "b"), {1, 2}, Address("Main St"), object()])
async def test_a_payload_is_an_object(app: App, payload: Any) -> None:
    """Nothing but a dict is a payload (a list is a batch of them)."""
    async with app:
        await app.declare("mail")
        with pytest.raises(InvalidPayload, match="a payload is a JSON object"):
            await app.jobs.submit("mail", payload)


@pytest.mark.parametrize("value", [object(), {1: {2}, (3,): 4}, "\ud800", lambda: None])
async def test_what_json_has_no_form_for_is_refused(app: App, value: Any) -> None:
    """Payloads are JSON, never pickle."""
    async with app:
        await app.declare("mail")
        with pytest.raises(InvalidPayload, match="not JSON"):
            await app.jobs.submit("mail", {"value": value})


async def test_a_payload_has_a_limit(app: App) -> None:
    """Large data belongs elsewhere; the error says so."""
    async with app:
        await app.declare("mail")
        await app.jobs.submit("mail", {"x": "a" * (256 * 1024 - 8)})
        with pytest.raises(InvalidPayload, match="store the data elsewhere"):
            await app.jobs.submit("mail", {"x": "a" * (256 * 1024 - 7)})
