"""A handler stays the function that it was: unit tests need no store."""

import functools
from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

import pytest

from jobledger import App, Context

P = ParamSpec("P")
R = TypeVar("R")


async def test_calling_a_handler_calls_the_function(app: App) -> None:
    """Nothing is submitted."""

    @app.job("add")
    async def add(*, a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    assert await add(a=1, b=2) == 3
    assert (add.name, add.__name__, add.__doc__) == ("add", "add", "Add two numbers.")


def test_a_def_handler_is_called_without_a_loop(app: App) -> None:
    """As it is written; by position, if that suits."""

    @app.job("add")
    def add(a: int, b: int) -> int:
        return a + b

    assert add(1, 2) == 3


async def test_submit_takes_names(app: App) -> None:
    """A payload is an object, so positions mean nothing."""

    @app.job("add")
    async def add(a: int, b: int) -> int:
        return a + b

    with pytest.raises(TypeError, match="by name"):
        await add.submit(1, 2)


async def test_a_decorated_handler_keeps_its_parameters(app: App) -> None:
    """`functools.wraps` is enough, whether the decorator is a coroutine function or not."""

    def logged(function: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> Awaitable[R]:
            return function(*args, **kwargs)

        return call

    def made_async(function: Callable[P, R]) -> Callable[P, Awaitable[R]]:
        @functools.wraps(function)
        async def call(*args: P.args, **kwargs: P.kwargs) -> R:
            return function(*args, **kwargs)

        return call

    @app.job("greet")
    @logged
    async def greet(ctx: Context, *, name: str) -> str:
        return f"hello {name} from {ctx.type}"

    @app.job("leave")
    @made_async
    def leave(ctx: Context, *, name: str) -> str:
        return f"bye {name} from {ctx.type}"

    async with app.worker():
        hello = await app.jobs.submit("greet", {"name": "Ada"})
        bye = await app.jobs.submit("leave", {"name": "Ada"})
        assert await app.jobs.result(hello, wait=5) == "hello Ada from greet"
        assert await app.jobs.result(bye, wait=5) == "bye Ada from leave"
