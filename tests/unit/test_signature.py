"""A handler's parameters as a type: payloads are read and checked by it."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NotRequired, Optional, TypedDict

import msgspec
import pydantic
import pytest

from jobledger import Cancel, Context, Done, Fail, Retry
from jobledger._runtime.registry import Registration, Registry, TypeOptions
from jobledger._runtime.signature import Signature
from jobledger.errors import InvalidOption, InvalidPayload

if TYPE_CHECKING:
    from decimal import Decimal


@dataclass
class Point:
    x: int
    y: int = 0


class Model(pydantic.BaseModel):
    z: int


class Extra(TypedDict):
    a: int
    b: NotRequired[int]


def plain(a: int, b: str = "b", *, c: list[int] | None = None) -> None: ...
def typed(*, point: Point, model: Model, extra: Extra) -> None: ...
def untyped(a, b=1): ...  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
def nothing() -> None: ...
def only_context(ctx: Context) -> None: ...


def test_parameters_are_filled_by_name() -> None:
    assert Signature(plain).read(b'{"a": 1, "c": [2]}') == {"a": 1, "b": "b", "c": [2]}
    assert Signature(nothing).read(b"{}") == Signature(only_context).read(b"{}") == {}
    assert Signature(untyped).read(b'{"a": {"any": "thing"}}') == {"a": {"any": "thing"}, "b": 1}


def test_values_become_what_the_annotations_say() -> None:
    read = Signature(typed).read(b'{"point": {"x": 1}, "model": {"z": 2}, "extra": {"a": 3}}')
    assert read == {"point": Point(1), "model": Model(z=2), "extra": {"a": 3}}


@pytest.mark.parametrize(
    ("function", "payload", "says"),
    [
        (plain, b"{}", "missing required field `a`"),
        (plain, b'{"a": "1"}', r"Expected `int`, got `str` - at `\$.a`"),
        (plain, b'{"a": 1, "d": 2}', "unknown field `d`"),
        (plain, b"[1]", "Expected `object`, got `array`"),
        (plain, b"{", "truncated"),
        (nothing, b'{"a": 1}', "unknown field `a`"),
        (only_context, b'{"ctx": 1}', "unknown field `ctx`"),
        (typed, b'{"point": {}, "model": {"z": 2}, "extra": {"a": 3}}', r"missing required field `x` - at `\$.point`"),
        (typed, b'{"point": {"x": 1}, "model": {"z": "?"}, "extra": {"a": 3}}', "valid integer"),
    ],
)
def test_what_does_not_fit_is_refused(function: Callable[..., Any], payload: bytes, says: str) -> None:
    with pytest.raises(InvalidPayload, match=says):
        Signature(function).read(payload)


def test_a_mutable_default_is_the_functions_own() -> None:
    """As in any call: the payload makes no copy of it, and none is shared behind the function's back."""

    def collects(*, into: list[int] = []) -> list[int]:  # noqa: B006 - the point
        return into

    assert Signature(collects).read(b"{}")["into"] is collects()


def annotated(ctx: Context, a: int) -> None: ...
def at_the_end(a: int, ctx: Context) -> None: ...
def keyword_only(*, a: int, ctx: Context) -> None: ...
def with_default(a: int, ctx: Context | None = None) -> None: ...
def old_style(a: int, ctx: Optional[Context] = None) -> None: ...  # noqa: UP045 - the point


@pytest.mark.parametrize("function", [annotated, at_the_end, keyword_only, with_default, old_style])
def test_the_context_is_found_by_its_annotation(function: Callable[..., Any]) -> None:
    signature = Signature(function)
    assert signature.context == "ctx"
    assert signature.read(b'{"a": 1}') == {"a": 1}


def test_open_parameters() -> None:
    def hook(ctx: Context, url: str, **rest: Any) -> None: ...

    read = Signature(hook).read(b'{"url": "/", "x": 1, "ctx": 2}')
    assert read == {"url": "/", "x": 1, "ctx": 2}  # the Context takes its place when the handler is called


def positional(a: int, /) -> None: ...
def positional_context(ctx: Context, /) -> None: ...
def many(*args: int) -> None: ...
def two_contexts(ctx: Context, other: Context) -> None: ...
def late(a: "Decimal") -> None: ...
def unreadable(a: Callable[[], int] | type) -> None: ...


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (positional, "parameter 'a' can't be filled by name"),
        (positional_context, "parameter 'ctx' can't be filled by name"),
        (many, "parameter 'args' can't be filled by name"),
        (two_contexts, "parameter 'other' can't be filled by name"),
        (late, "an annotation can't be resolved .*import it at run time"),
        (unreadable, "annotations can't be read from JSON"),
    ],
)
def test_what_no_payload_can_fill_is_refused_at_import(function: Callable[..., Any], says: str) -> None:
    with pytest.raises(InvalidOption, match=f"{function.__name__}: .*{says}"):
        Signature(function)


@pytest.mark.parametrize(
    ("returns", "result"),
    [
        (int, int),
        (Any, Any),
        (int | Retry, int),
        (int | str | Retry | Fail | Cancel, int | str),
        (Done, Any),
        (int | Done, Any),
        (Fail, Any),
        (Retry | Fail, Any),
        (Optional[int], int | None),  # noqa: UP045 - the point
        (None | Fail, type(None)),
    ],
)
def test_the_result_is_what_is_left_of_the_answers(returns: Any, result: Any) -> None:
    def handler() -> None: ...

    handler.__annotations__["return"] = returns
    assert Signature(handler).returns == result


def wrapped_in_a_coroutine(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    async def call(**arguments: Any) -> Any:
        return function(**arguments)

    return call


def wrapped_in_a_function(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(**arguments: Any) -> Any:
        return function(**arguments)

    return call


async def coroutine() -> None: ...


class Service:
    async def handle(self, *, a: int) -> int:
        return a


@pytest.mark.parametrize(
    ("function", "is_async"),
    [
        (nothing, False),
        (coroutine, True),
        (wrapped_in_a_coroutine(nothing), True),
        (wrapped_in_a_function(coroutine), True),
        (wrapped_in_a_function(nothing), False),
        (Service().handle, True),
        (lambda: None, False),
    ],
)
def test_where_a_handler_runs(function: Callable[..., Any], is_async: bool) -> None:
    """Coroutine functions on the loop, whoever wraps them; all others in a thread."""
    assert Registration("work", function, TypeOptions()).is_async is is_async


def test_a_registry_checks_what_it_knows() -> None:
    registry = Registry()
    registry.add(Registration("work", plain, TypeOptions()))
    registry.check("work", b'{"a": 1}')
    registry.check("unknown", b"[]")
    with pytest.raises(InvalidPayload):
        registry.check("work", b"{}")


def test_a_struct_as_a_parameter() -> None:
    class Order(msgspec.Struct):
        number: int

    def ship(*, order: Order) -> None: ...

    assert Signature(ship).read(b'{"order": {"number": 7}}') == {"order": Order(7)}
