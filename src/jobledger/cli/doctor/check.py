"""A check, and going through many."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from jobledger.cli.doctor.finding import Finding, warning
from jobledger.errors import JobledgerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Patient = TypeVar("Patient")


class Check(NamedTuple, Generic[Patient]):
    """A check by its name; a deep one reads all of the store."""

    name: str
    look: Callable[[Patient], Iterator[Finding]]
    deep: bool = False


def gone_through(checks: Iterable[Check[Patient]], patient: Patient, *, deep: bool) -> Iterator[tuple[str, Finding]]:
    """What each check finds. One that can't look says so, and the others go on."""
    for check in checks:
        if check.deep and not deep:
            continue
        try:
            for finding in check.look(patient):
                yield check.name, finding
        except (OSError, JobledgerError) as error:
            why = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) and error.filename else error
            yield check.name, warning(f"this could not be looked at: {why}", "run it as the user of the workers")
