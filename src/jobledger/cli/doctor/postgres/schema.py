"""The schema: whether it is there, of this version, and open to this role."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from jobledger._store.postgres.migrate import NEEDED, NEWEST
from jobledger.cli.doctor.finding import Finding, broken, ok, warning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobledger.cli.doctor.postgres.patient import Patient

_MIGRATE: Final = "run `jobledger migrate`"
_SHOWN: Final = 3


def store(patient: Patient) -> Iterator[Finding]:
    """Whether there is a store, and of which schema."""
    if patient.trouble is not None:
        return
    schema, book = patient.ask.target.schema.strip('"'), patient.ask.book
    if book is None:
        yield broken(f"there is no store in the schema {schema}", f"{_MIGRATE}, or correct ?schema= in the URL")
    elif book.needs > NEWEST:
        yield broken(f"a newer jobledger has migrated it to schema {book.version}", "upgrade jobledger here")
    elif book.version < NEEDED:
        yield broken(f"schema {book.version} is older than this version's {NEEDED}", _MIGRATE)
    elif book.version < NEWEST:
        yield warning(
            f"schema {book.version} is older than this version's {NEWEST}, which works", f"{_MIGRATE} for the rest"
        )
    elif book.version > NEWEST:
        yield ok(f"schema {book.version}, newer than this version's {NEWEST}, which works")
    else:
        yield ok(f"a store with schema {book.version}, which is this version's")


def rights(patient: Patient) -> Iterator[Finding]:
    """Whether this role may do what a worker does."""
    if patient.trouble is not None:
        return
    role, found = patient.ask.server.role, patient.ask.rights
    if found is None:
        return
    if not found.enters:
        yield broken(f"role {role} may not use the schema", "grant it what docs/postgres.md lists")
    elif not found.lacking:
        also = "and may migrate it" if found.owns else "and may not migrate it, which is as it should be"
        yield ok(f"role {role} may do all that a worker does, {also}")
    elif any(one.startswith("SELECT") for one in found.lacking):
        yield broken(
            f"role {role} may not read: it lacks {_listed(found.lacking)}", "grant it what docs/postgres.md lists"
        )
    else:
        yield warning(
            f"role {role} only reads: for a worker it lacks {_listed(found.lacking)}",
            "that is right for metrics and audits; workers and clients need what docs/postgres.md lists",
        )


def _listed(rights: tuple[str, ...]) -> str:
    more = f" and {len(rights) - _SHOWN} more" if len(rights) > _SHOWN else ""
    return f"{', '.join(rights[:_SHOWN])}{more}"
