"""What ``@app.job(…)`` is: its types say what a handler may look like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, overload

from jobledger._runtime.context import Context
from jobledger._runtime.handler import Handler

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

P = ParamSpec("P")
R = TypeVar("R")


class Decorator:
    """What ``@app.job(…)`` is: it takes a handler, with or without a Context first."""

    def __init__(self, register: Callable[[Callable[..., Any]], Handler[..., Any]]) -> None:
        """Made by :meth:`App.job`."""
        self._register = register

    @overload
    def __call__(self, function: Callable[Concatenate[Context, P], Coroutine[Any, Any, R]], /) -> Handler[P, R]: ...
    @overload
    def __call__(self, function: Callable[P, Coroutine[Any, Any, R]], /) -> Handler[P, R]: ...
    @overload
    def __call__(self, function: Callable[Concatenate[Context, P], R], /) -> Handler[P, R]: ...
    @overload
    def __call__(self, function: Callable[P, R], /) -> Handler[P, R]: ...

    def __call__(self, function: Callable[..., Any], /) -> Handler[..., Any]:
        """Register the handler; it stays callable as it was."""
        return self._register(function)
