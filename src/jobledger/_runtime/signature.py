"""A handler's parameters as a type: payloads are read and checked by it."""

from __future__ import annotations

import inspect
from functools import partial
from types import UnionType
from typing import TYPE_CHECKING, Any, Final, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec.structs import asdict

from jobledger._core.outcome import Cancel, Done, Fail, Retry
from jobledger._runtime.context import Context
from jobledger._store.codec import dec_hook
from jobledger.errors import InvalidOption, InvalidPayload

if TYPE_CHECKING:
    from collections.abc import Callable

_ANY_NAMED: Final = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
_NO_RESULT: Final = (Retry, Cancel, Fail)


class Signature:
    """What a handler takes and gives.

    Attributes:
        context: the name of its Context parameter, if it has one.
        returns: the annotation of its result, without the answers that leave none.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        """Read the annotations.

        Raises:
            InvalidOption: a parameter that no JSON object can fill, or a second Context.
        """
        hints = _hints(function)
        self.context: str | None = None
        self.returns: Any = _result(hints.get("return", Any))
        self._open = False
        fields: list[tuple[str, Any, Any]] = []
        for parameter in inspect.signature(function).parameters.values():
            annotation = hints.get(parameter.name, Any)
            if parameter.kind in _ANY_NAMED and self.context is None and _is_context(annotation):
                self.context = parameter.name
            elif parameter.kind is inspect.Parameter.VAR_KEYWORD:
                self._open = True
            elif parameter.kind in _ANY_NAMED and not _is_context(annotation):
                default = msgspec.NODEFAULT if parameter.default is parameter.empty else _default(parameter.default)
                fields.append((parameter.name, annotation, default))
            else:
                message = (
                    f"{_name(function)}: "
                    f"parameter {parameter.name!r} can't be filled by name; payloads are JSON objects"
                )
                raise InvalidOption(message)
        self._decoder = _decoder(function, fields, open_=self._open)

    def read(self, payload: bytes) -> dict[str, Any]:
        """The arguments that a payload stands for.

        Raises:
            InvalidPayload: it doesn't fit; says where.
        """
        try:
            read = self._decoder.decode(payload)
        except (msgspec.MsgspecError, ValueError, TypeError, RecursionError) as error:
            message = f"the payload doesn't fit the handler: {error}"
            raise InvalidPayload(message) from error
        arguments: dict[str, Any] = asdict(read)
        if self._open:
            extra = msgspec.json.decode(payload)
            arguments.update({name: value for name, value in extra.items() if name not in arguments})
        return arguments


def _is_context(annotation: object) -> bool:
    return annotation is Context or (_is_union(annotation) and Context in get_args(annotation))


def _is_union(annotation: object) -> bool:
    return get_origin(annotation) in {Union, UnionType}


def _result(returns: Any) -> Any:  # noqa: ANN401 - any annotation
    """``str | Retry`` has a str as its result; Done may carry anything."""
    if not _is_union(returns):
        return Any if returns is Done or returns in _NO_RESULT else returns
    left = tuple(answer for answer in get_args(returns) if answer not in _NO_RESULT)
    return Any if Done in left or not left else Union[left]  # noqa: UP007 - a union of what is left can only be written so


def _decoder(
    function: Callable[..., Any], fields: list[tuple[str, Any, Any]], *, open_: bool
) -> msgspec.json.Decoder[Any]:
    try:
        shape = msgspec.defstruct("Payload", fields, kw_only=True, forbid_unknown_fields=not open_)
        return msgspec.json.Decoder(shape, dec_hook=dec_hook)
    except TypeError as error:
        message = f"{_name(function)}: its annotations can't be read from JSON: {error}"
        raise InvalidOption(message) from error


def _default(value: Any) -> Any:  # noqa: ANN401 - any default
    """Mutable defaults need a factory; the handler's own default object stays shared, as in any call."""
    mutable = isinstance(value, list | dict | set | bytearray)
    return msgspec.field(default_factory=partial(_same, value)) if mutable else value


def _same(value: object) -> object:
    return value


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return get_type_hints(inspect.unwrap(function), include_extras=True)
    except (NameError, TypeError) as error:
        message = (
            f"{_name(function)}: "
            f"an annotation can't be resolved ({error}); import it at run time, not under TYPE_CHECKING"
        )
        raise InvalidOption(message) from error


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__qualname__", repr(function))
