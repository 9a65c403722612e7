"""Whether workers can be woken by other processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobledger._store.sqlite.wake import address, bound, remove
from jobledger.cli.doctor.finding import Finding, ok, warning
from jobledger.cli.doctor.patient import is_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobledger.cli.doctor.patient import Patient


def wake_ups(patient: Patient) -> Iterator[Finding]:
    """Bind a socket as a worker does, and remove it."""
    if not is_file(patient.path):
        return
    path = address(patient.path)
    try:
        with bound(path, patient.path):
            remove(path)
    except OSError as error:
        yield warning(
            f"no socket can be made at {path} ({error.strerror or error}): workers look four times a second instead",
            "give the user of the workers the right to write that directory",
        )
        return
    beside = path.parent == patient.directory
    where = "" if beside else f", by a socket in {path.parent}, since the path of the store is long"
    yield ok(f"a worker is woken at once{where}")
