"""From what a caller writes to a Submit: everything that can be wrong is found here, before anything is sent."""

from __future__ import annotations

import math
from datetime import datetime
from typing import TYPE_CHECKING, Final, Self, TypedDict, TypeGuard

import msgspec

from jobledger._config import MAX_DELAY_SECONDS, MAX_LIMIT, MAX_NAME
from jobledger._core.commands import Submit
from jobledger._core.priority import BY_LABEL, Priority
from jobledger._escape import brief
from jobledger._types import OnDuplicate, micros
from jobledger.errors import InvalidOption, InvalidPayload

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jobledger._core.reads import JobType


_NEVER: Final = 9000
"""The year from which on an instant can't be read back everywhere."""


class SubmitOptions(TypedDict, total=False):
    """How a job is submitted; what is left out, or None, is the type's default.

    Attributes:
        entity: whose mailbox it goes through, one at a time and in order, e.g. ``customer:42``.
        priority: critical, high, normal or low.
        delay: seconds from now until it is due.
        at: the instant when it is due, with a time zone; instead of ``delay``.
        timeout: seconds that one attempt may take.
        max_attempts: failed attempts before it is dead-lettered.
        dedupe: a key that only one live job of the type can hold.
        dedupe_for: seconds that the key is held from now, whatever the outcome but cancelled and discarded.
        on_duplicate: ``"return"`` the holder's id (its ``created`` is False), or ``"raise"`` Duplicate.
        batch: an id to find a group of jobs by.
        trace: a W3C ``traceparent``.
    """

    entity: str | None
    priority: str | Priority | None
    delay: float | None
    at: datetime | None
    timeout: float | None
    max_attempts: int | None
    dedupe: str | None
    dedupe_for: float | None
    on_duplicate: OnDuplicate
    batch: str | None
    trace: str | None


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """The options of one submit as a value; see :class:`SubmitOptions`."""

    entity: str | None = None
    priority: str | Priority | None = None
    delay: float | None = None
    at: datetime | None = None
    timeout: float | None = None
    max_attempts: int | None = None
    dedupe: str | None = None
    dedupe_for: float | None = None
    on_duplicate: OnDuplicate = "return"
    batch: str | None = None
    trace: str | None = None

    @classmethod
    def of(cls, options: SubmitOptions) -> Self:
        """From what a caller wrote.

        Raises:
            InvalidOption: there is no such option.
        """
        unknown = sorted(set(options) - set(cls.__struct_fields__))
        if unknown:
            message = f"there is no option {unknown[0]!r}: use {', '.join(cls.__struct_fields__)}"
            raise InvalidOption(message)
        if not any(options.get("on_duplicate", "return") == known for known in ("return", "raise")):
            message = f'on_duplicate is "return" or "raise", not {brief(options.get("on_duplicate"))}'
            raise InvalidOption(message)
        return cls(**options)


def form_of(type_: JobType, options: Options) -> Submit:
    """All of a Submit but its id and its payload.

    Raises:
        InvalidOption: an option is out of its range.
    """
    return Submit(
        id="",
        type_id=type_.type_id,
        payload=b"",
        priority=type_.priority if options.priority is None else int(priority_of(options.priority)),
        entity=name_of(options.entity, "entity"),
        delay=_delay(options),
        due_at=instant_of(options.at, "at"),
        max_attempts=limit_of(
            type_.max_attempts if options.max_attempts is None else options.max_attempts, "max_attempts"
        ),
        max_losses=type_.max_losses,
        timeout=type_.timeout
        if options.timeout is None
        else micros(seconds_of(options.timeout, "timeout", above=True)),
        dedupe=name_of(options.dedupe, "dedupe"),
        dedupe_for=_window(options),
        batch=name_of(options.batch, "batch"),
        trace=name_of(options.trace, "trace"),
    )


def priority_of(value: object) -> Priority:
    """A priority by its label.

    Raises:
        InvalidOption: there is none.
    """
    if isinstance(value, Priority):
        return value
    found = BY_LABEL.get(value) if isinstance(value, str) else None
    if found is None:
        message = f"unknown priority {brief(value)}: use one of {', '.join(BY_LABEL)}"
        raise InvalidOption(message)
    return found


def name_of(value: object, what: str) -> str | None:
    """A name that can be stored and shown: not empty, not too long, without control characters.

    Raises:
        InvalidOption: says which rule is broken.
    """
    if value is None:
        return None
    if not isinstance(value, str):
        message = f"{what} must be a string, not {type(value).__name__}"
        raise InvalidOption(message)
    if not value or len(value) > MAX_NAME:
        message = f"{what} must have 1 to {MAX_NAME} characters, not {len(value)}"
        raise InvalidOption(message)
    if any(ord(character) < 32 or ord(character) == 127 or 0xD800 <= ord(character) <= 0xDFFF for character in value):  # noqa: PLR2004 - ASCII controls and surrogates
        message = f"{what} {value!r} has a control character or half a surrogate pair: use printable text"
        raise InvalidOption(message)
    return value


def type_of(value: object) -> str:
    """The name of a type that is asked for; whether there is one, is another question.

    Raises:
        InvalidOption: it can be none.
    """
    if not isinstance(value, str) or len(value) > MAX_NAME:
        message = f"type must be a string of at most {MAX_NAME} characters, not {brief(value)}"
        raise InvalidOption(message)
    return value


def seconds_of(value: object, what: str, *, above: bool = False) -> float:
    """A length of time in seconds: finite, not negative, at most ten years.

    Raises:
        InvalidOption: says which rule is broken.
    """
    if not is_number(value):
        message = f"{what} must be a number of seconds, not {brief(value)}"
        raise InvalidOption(message)
    if value < 0 or value > MAX_DELAY_SECONDS or (above and micros(value) == 0):
        message = (
            f"{what} must be {'more than 0' if above else 'at least 0'} and at most ten years, not {brief(value)} s"
        )
        raise InvalidOption(message)
    return float(value)


def is_number(value: object) -> TypeGuard[int | float]:
    """A finite number, and not a truth value."""
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool)


def _delay(options: Options) -> int:
    if options.delay is not None and options.at is not None:
        message = "give delay or at, not both"
        raise InvalidOption(message)
    return 0 if options.delay is None else micros(seconds_of(options.delay, "delay"))


def instant_of(value: object, what: str) -> int | None:
    """An instant in microseconds; None stays None.

    Raises:
        InvalidOption: it is no datetime with a time zone, or too far away.
    """
    if value is None:
        return None
    if not isinstance(value, datetime) or value.utcoffset() is None:
        message = f"{what} must be a datetime with a time zone, not {brief(value)}"
        raise InvalidOption(message)
    if value.year >= _NEVER:
        message = f"{what} must be before the year {_NEVER}, not {value}"
        raise InvalidOption(message)
    return micros(value.timestamp())


def limit_of(value: object, what: str, most: int = MAX_LIMIT) -> int:
    """A limit: a whole number from 1, with an end.

    Raises:
        InvalidOption: it is something else.
    """
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        message = f"{what} must be a whole number from 1 to {most:,}, not {brief(value)}"
        raise InvalidOption(message)
    return value


def _window(options: Options) -> int:
    if options.dedupe_for is None:
        return 0
    if options.dedupe is None:
        message = "dedupe_for needs dedupe: the key to hold"
        raise InvalidOption(message)
    return micros(seconds_of(options.dedupe_for, "dedupe_for", above=True))


def not_an_object(payload: object) -> InvalidPayload:
    """The error for a payload that is no mapping."""
    return InvalidPayload(
        f"a payload is a JSON object (a dict), not {type(payload).__name__}; a list is a batch of payloads"
    )


def id_of(value: object) -> str:
    """A job's id. Any text may be asked for; most of it is no job's id, and the answer says so.

    Raises:
        InvalidOption: it is no text.
    """
    if not isinstance(value, str):
        raise InvalidOption(f"a job's id is a string, not {type(value).__name__}")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InvalidOption(f"{value!r} is no job's id: it has half a surrogate pair") from error
    return str(value)


def check_distinct(keys: Sequence[str | None]) -> None:
    """Two items of a batch can't hold one dedupe key.

    Raises:
        InvalidOption: names the key.
    """
    held = [key for key in keys if key is not None]
    twice = next((key for key in held if held.count(key) > 1), None) if len(set(held)) < len(held) else None
    if twice is not None:
        message = f"two items of the batch have the dedupe key {twice!r}: nothing was submitted"
        raise InvalidOption(message)
