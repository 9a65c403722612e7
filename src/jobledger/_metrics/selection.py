"""Which series a read asks for: labels are checked, so that a slip of the pen never reads as zero."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Final, cast

from jobledger._core.decide import PRUNED_CELLS
from jobledger._core.labels import label
from jobledger._core.priority import BY_LABEL
from jobledger._escape import brief
from jobledger.errors import InvalidOption

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from jobledger._core.catalog import Instrument
    from jobledger._core.reads import JobType
    from jobledger._metrics.family import Labels

STATES: Final = ("free", "used")
_FIXED: Final[dict[str, tuple[str, ...]]] = {
    "priority": tuple(BY_LABEL),
    "status": tuple(status.value for status in PRUNED_CELLS),
    "state": STATES,
}


def checked(instrument: Instrument, labels: Mapping[str, str], types: Iterable[JobType]) -> dict[str, str]:
    """The labels of a read, with the type's label in place of its name.

    Raises:
        InvalidOption: the instrument has no such label, or the label no such value.
    """
    for name in labels:
        if name not in instrument.labels:
            own = f"its labels are {', '.join(instrument.labels)}" if instrument.labels else "it has none"
            raise InvalidOption(f"{instrument.series} has no label {name!r}: {own}")
    for name, value in labels.items():
        if not isinstance(cast("object", value), str):
            raise InvalidOption(f"the value of {name} must be text, not {brief(value)}")
    return {
        name: _type_label(value, types) if name == "type" else _one_of(name, value, _FIXED[name])
        for name, value in labels.items()
    }


def matching(series: Iterable[Labels], wanted: Mapping[str, str]) -> tuple[Labels, ...]:
    """The series that have all the wanted labels."""
    pairs = set(wanted.items())
    return tuple(labels for labels in series if pairs.issubset(labels))


def _type_label(asked: str, types: Iterable[JobType]) -> str:
    by_name = {type_.name: type_.label for type_ in types}
    own = label(asked)
    if asked in by_name and by_name[asked] != own:
        raise InvalidOption(
            f"type {asked!r} came after the budget of labels was spent: its metrics are counted together with others, "
            f"read type={by_name[asked]!r}"
        )
    return _one_of("type", own if asked in by_name else asked, tuple(by_name.values()))


def _one_of(name: str, value: str, known: Collection[str]) -> str:
    if value in known:
        return value
    near = get_close_matches(str(value), known, n=3)
    if near:
        raise InvalidOption(f"unknown {name} {brief(value)}. Did you mean {', '.join(map(repr, near))}?")
    if name == "type":
        raise InvalidOption(f"unknown type {brief(value)}: a type is known once a worker that handles it has started")
    raise InvalidOption(f"unknown {name} {brief(value)}: use one of {', '.join(known)}")
