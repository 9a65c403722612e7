"""The handlers of this process, by type."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import msgspec

from jobledger._config import MAX_FACTOR
from jobledger._core.labels import label
from jobledger._core.retry import DEFAULT_MAX_ATTEMPTS, DEFAULT_MAX_LOSSES, RetryPolicy
from jobledger._escape import brief
from jobledger._runtime.signature import Signature
from jobledger._store.contract import Declaration
from jobledger._store.intake import is_number, limit_of, name_of, priority_of, seconds_of
from jobledger._types import OnRetry, micros
from jobledger.errors import InvalidOption

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jobledger._core.reads import JobType


class TypeOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How jobs of a type behave; each submit may override what makes sense there."""

    priority: str = "normal"
    timeout: float | None = None
    max_attempts: int = DEFAULT_MAX_ATTEMPTS
    max_losses: int = DEFAULT_MAX_LOSSES
    retry_base: float = 1.0
    retry_factor: float = 2.0
    retry_cap: float = 600.0
    on_retry: OnRetry = "block"

    def declared(self, name: str) -> Declaration:
        """What the table of types keeps.

        Raises:
            InvalidOption: an option is out of its range.
        """
        if name_of(name, "type") is None:
            message = "type must be a string, not None"
            raise InvalidOption(message)
        timeout = None if self.timeout is None else micros(seconds_of(self.timeout, "timeout", above=True))
        priority = int(priority_of(self.priority))
        attempts, losses = limit_of(self.max_attempts, "max_attempts"), limit_of(self.max_losses, "max_losses")
        return Declaration(name, label(name), priority, attempts, losses, timeout)

    def policy(self) -> RetryPolicy:
        """The back-off.

        Raises:
            InvalidOption: an option is out of its range.
        """
        if not any(self.on_retry == known for known in ("block", "step-aside")):
            message = f'on_retry is "block" or "step-aside", not {brief(self.on_retry)}'
            raise InvalidOption(message)
        if not is_number(self.retry_factor) or not 1 <= self.retry_factor <= MAX_FACTOR:
            message = f"retry_factor must be a number from 1 to {MAX_FACTOR:,}, not {brief(self.retry_factor)}"
            raise InvalidOption(message)
        base, cap = seconds_of(self.retry_base, "retry_base"), seconds_of(self.retry_cap, "retry_cap")
        return RetryPolicy(base, self.retry_factor, cap, self.on_retry)


class Registration:
    """One handler.

    Attributes:
        is_async: it runs as a task on the loop; else in a thread.
        type: the type as the store knows it, once declared.
    """

    def __init__(self, name: str, function: Callable[..., Any], options: TypeOptions) -> None:
        """Check everything that can be wrong at import time."""
        self.name = name
        self.function = function
        self.declaration = options.declared(name)
        self.retry = options.policy()
        self.signature = Signature(function)
        self.is_async = any(map(inspect.iscoroutinefunction, (function, inspect.unwrap(function))))
        self.type: JobType | None = None


class Registry:
    """All handlers of an App."""

    def __init__(self) -> None:
        """Start empty."""
        self._by_name: dict[str, Registration] = {}
        self._by_id: dict[int, Registration] = {}

    def add(self, registration: Registration) -> None:
        """Register a handler.

        Raises:
            InvalidOption: the name is taken.
        """
        if registration.name in self._by_name:
            message = f"two handlers are registered as {registration.name!r}: give one another name"
            raise InvalidOption(message)
        self._by_name[registration.name] = registration

    def __iter__(self) -> Iterator[Registration]:
        """All registrations."""
        return iter(self._by_name.values())

    def __len__(self) -> int:
        """How many there are."""
        return len(self._by_name)

    def bind(self, types: tuple[JobType, ...]) -> None:
        """Learn the numbers that the store has given."""
        for type_ in types:
            registration = self._by_name.get(type_.name)
            if registration is not None:
                registration.type = type_
                self._by_id[type_.type_id] = registration

    def of(self, type_id: int) -> Registration:
        """The handler of a claimed job."""
        return self._by_id[type_id]

    def ids(self, *, is_async: bool) -> tuple[int, ...]:
        """The types that tasks, or threads, can run."""
        return tuple(type_id for type_id, registration in self._by_id.items() if registration.is_async is is_async)

    def check(self, name: str, payload: bytes) -> None:
        """Check a payload against the handler, if it is here.

        Raises:
            InvalidPayload: it doesn't fit.
        """
        registration = self._by_name.get(name)
        if registration is not None:
            registration.signature.read(payload)
