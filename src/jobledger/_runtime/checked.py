"""What an App and its workers are told, checked before anything is opened."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, cast

from jobledger._config import MAX_DELAY_SECONDS
from jobledger._core.catalog import ladder
from jobledger._escape import brief
from jobledger._store.intake import is_number
from jobledger.errors import InvalidOption

_WHOLE: Final = frozenset({"slots", "threads"})


def check_sizes(**sizes: tuple[object, float]) -> None:
    """Each is a number and the least that it may be; slots and threads are whole ones.

    Raises:
        InvalidOption: one is less, or no such number.
    """
    for name, (value, least) in sizes.items():
        if not isinstance(value, int if name in _WHOLE else int | float) or isinstance(value, bool):
            what = "a whole number" if name in _WHOLE else "a number"
            raise InvalidOption(f"{name} must be {what}, not {brief(value)}")
        if not least <= value <= MAX_DELAY_SECONDS:
            raise InvalidOption(f"{name} must be at least {least:g}, and no astronomic number, not {brief(value)}")


def checked_boundaries(boundaries: tuple[float, ...] | None) -> tuple[float, ...] | None:
    """The ladder of a new store; None takes the default.

    Raises:
        InvalidOption: they are not positive seconds in rising order.
    """
    if boundaries is None:
        return None
    found = _numbers(boundaries)
    kept = ladder(found)
    if not kept or kept[0] <= 0 or sorted(set(kept)) != list(kept):
        message = (
            "boundaries must be positive seconds in rising order, a microsecond apart at least, "
            f"not {brief(boundaries)}"
        )
        raise InvalidOption(message)
    return found


def _numbers(values: object) -> tuple[float, ...]:
    """All of them; none if one is something else."""
    found = tuple(cast("Iterable[object]", values)) if isinstance(values, Iterable) else ()
    numbers = tuple(value for value in found if is_number(value) and abs(value) <= MAX_DELAY_SECONDS)
    return numbers if len(numbers) == len(found) else ()
