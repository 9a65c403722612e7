"""What a series of the users' own may be called, hold and count."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from jobledger._config import ALL_SERIES_BUDGET, MAX_NAME, SERIES_BUDGET
from jobledger._core.catalog import RESERVED_PREFIXES, Kind
from jobledger._core.commands import UserDelta
from jobledger._core.labels import OVERFLOW, label
from jobledger._escape import brief
from jobledger.errors import InvalidOption

if TYPE_CHECKING:
    from collections.abc import Mapping

MILLION: Final = 1_000_000
"""The ledger keeps whole millionths."""
MAX_AMOUNT: Final = 10**12
"""What one count or observation may be, in its own unit: the ledger's integers have 64 bits."""
MAX_LABELS: Final = 10
_NAME: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)
_COUNTER: Final = "_total"
_TAKEN: Final = ("_bucket", "_count", "_created", "_info", "_sum", _COUNTER)
"""Endings that the exposition formats give to samples, so that no family may have them."""
_OWN_LABELS: Final = frozenset({"le", "quantile"})
BEYOND: Final = {
    Kind.COUNTER.value: "jobledger_overflow_total",
    Kind.HISTOGRAM.value: "jobledger_overflow_values",
}
"""Where counts and observations of the users' own go when there are too many series, whatever their names."""
BEYOND_HELP: Final = "Your own metrics beyond the budget of series: of many names, each in its own unit."


def series_name(name: object, kind: Kind, prefix: str = "") -> str:
    """The full name of a series, once it was checked.

    Raises:
        InvalidOption: it is no Prometheus name, it is reserved, or its ending belongs to another kind.
    """
    if isinstance(name, str):
        name = prefix + name
    if not isinstance(name, str) or not _NAME.fullmatch(name) or len(name) > MAX_NAME:
        raise InvalidOption(
            f"{brief(name)} is no metric name: take letters, digits and _, not a digit first, up to {MAX_NAME} of them"
        )
    for reserved in RESERVED_PREFIXES:
        if name.startswith(reserved):
            raise InvalidOption(
                f"metric name {name!r}: the prefix {reserved!r} belongs to the job metrics, which only committed "
                "transitions change; choose another name"
            )
    stem = name.removesuffix(_COUNTER) if kind is Kind.COUNTER else name
    if kind is Kind.COUNTER and stem == name:
        raise InvalidOption(f"counter name {name!r} must end in {_COUNTER!r}: use {name + _COUNTER!r}")
    if not stem or stem.endswith(_TAKEN):
        taken = ", ".join(_TAKEN)
        raise InvalidOption(
            f"{kind} name {name!r}: the formats use the endings {taken} themselves; choose another name"
        )
    return name


def namespace_prefix(word: object) -> str:
    """What all names of a namespace begin with.

    Raises:
        InvalidOption: the word is no Prometheus name, or it is reserved.

    Example:
        >>> namespace_prefix("billing")
        'billing_'
    """
    if not word or not isinstance(word, str):
        raise InvalidOption(f"a namespace is a word such as 'billing', not {brief(word)}")
    series_name(f"{word}_x", Kind.HISTOGRAM)
    return f"{word}_"


def series_labels(labels: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    """Check label names, make the values fit, and put them in the one order.

    Raises:
        InvalidOption: a name is no Prometheus label name or is reserved, a value is not text, or there are too many.
    """
    if len(labels) > MAX_LABELS:
        raise InvalidOption(f"{len(labels)} labels: a series may have at most {MAX_LABELS}")
    pairs: list[tuple[str, str]] = []
    for name, value in labels.items():
        if not _NAME.fullmatch(name) or name.startswith("__") or name in _OWN_LABELS:
            raise InvalidOption(
                f"{name!r} can't be a label: use letters, digits and _, no digit or __ first, not le or quantile"
            )
        if not isinstance(value, str):
            raise InvalidOption(f"label {name}={brief(value)} must be text: write {name}={brief(value)!r}")
        pairs.append((name, label(value)))
    return tuple(sorted(pairs))


def millionths(value: object, what: str) -> int:
    """A count or an observation as the ledger keeps it, rounded to the nearest millionth.

    Raises:
        InvalidOption: it is not a finite number from 0 to 10 ** 12.
    """
    if (
        not isinstance(value, int | float)
        or isinstance(value, bool)
        or (isinstance(value, float) and not math.isfinite(value))
    ):
        raise InvalidOption(f"{what} must be a finite number, not {brief(value)}")
    if not 0 <= value <= MAX_AMOUNT:
        raise InvalidOption(f"{what} must be from 0 to {MAX_AMOUNT:,}, not {brief(value)}: these series only grow")
    return value * MILLION if isinstance(value, int) else round(value * MILLION)


def within_budget(delta: UserDelta, of_name: int, in_all: int) -> UserDelta:
    """Which series a count goes to, if its own would be a new one; none is lost, or refused.

    Args:
        delta: the count.
        of_name: how many series its name has.
        in_all: how many series there are under all names.

    Example:
        >>> within_budget(UserDelta("hits_total", "counter", (("user", "42"),), 1), 200, 200).labels
        (('user', '__other__'),)
    """
    if of_name >= SERIES_BUDGET and any(value != OVERFLOW for _, value in delta.labels):
        return replace(delta, labels=tuple((name, OVERFLOW) for name, _ in delta.labels))
    if in_all >= ALL_SERIES_BUDGET and delta.name not in BEYOND.values():
        return UserDelta(BEYOND[delta.kind], delta.kind, (("name", OVERFLOW),), delta.amount)
    return delta
