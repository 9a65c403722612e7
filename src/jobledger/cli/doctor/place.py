"""Where the store is, and whether it is one."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, urlsplit

from jobledger.cli.doctor.finding import Finding, broken, ok, warning
from jobledger.cli.source import public
from jobledger.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobledger.cli.doctor.patient import Patient

_KINDS: Final = (
    (stat.S_ISDIR, "a directory"), (stat.S_ISFIFO, "a pipe"), (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"), (stat.S_ISBLK, "a device"),
)  # fmt: skip


def url(patient: Patient) -> Iterator[Finding]:
    """Which store, and who says so."""
    parts = urlsplit(patient.url)
    relative = not parts.path.startswith("//")
    where = f"; relative to this directory, so it is {patient.path}" if relative else ""
    yield ok(f"{public(patient.url)}, from {patient.source}{where}")
    if parse_qs(parts.query).get("durability", [""])[-1] == "off":
        yield warning(
            "?durability=off is for tests: a power cut can damage the file", "leave it out, or use durability=process"
        )


def store(patient: Patient) -> Iterator[Finding]:
    """Whether there is a store, and of which schema."""
    try:
        found = patient.path.stat()
    except FileNotFoundError:
        yield _missing(patient)
        return
    except OSError as error:
        yield broken(f"{patient.path} can't be looked at: {error.strerror}", "check the path, and who may read it")
        return
    kind = next((name for is_kind, name in _KINDS if is_kind(found.st_mode)), None)
    if kind is not None:
        yield broken(f"{patient.path} is {kind}", "name a file in the URL")
        return
    facts = patient.facts
    if isinstance(facts, StoreError):
        what, _, do = str(facts).replace(str(patient.path), "the file").partition(": ")
        yield broken(what, do or "look at the file")
    elif facts.schema < facts.newest:
        yield warning(
            f"schema {facts.schema}, older than this version's {facts.newest}: it can't be read yet",
            "the next worker or submit brings it up to date; `jobledger migrate` does it now",
        )
    else:
        yield ok(f"a store with schema {facts.schema}, which is this version's")


def _missing(patient: Patient) -> Finding:
    if not patient.has_directory:
        return broken(f"there is no directory {patient.directory}", "make it, or correct the URL")
    return broken(
        f"there is no file {patient.path}", "correct the URL; or start a worker or `jobledger migrate` to make a store"
    )
