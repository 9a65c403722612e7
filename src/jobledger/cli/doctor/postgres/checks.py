"""All checks of a store on PostgreSQL, in the order in which they are told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from jobledger.cli.doctor import versions
from jobledger.cli.doctor.check import Check, gone_through
from jobledger.cli.doctor.postgres import jobs, schema, server, tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobledger.cli.doctor.finding import Finding
    from jobledger.cli.doctor.postgres.patient import Patient

CHECKS: Final[tuple[Check[Patient], ...]] = (
    Check("url", server.url),
    Check("server", server.reach),
    Check("server version", server.version),
    Check("primary", server.primary),
    Check("store", schema.store),
    Check("role", schema.rights),
    Check("isolation", server.isolation),
    Check("pooler", server.pooler),
    Check("durability", server.durability),
    Check("clock", server.clocks),
    Check("connections", server.connections),
    Check("vacuum", tables.vacuum),
    Check("transactions", tables.transactions),
    Check("deltas", tables.deltas),
    Check("versions", versions.versions),
    Check("extras", versions.extras),
    Check("workers", jobs.workers),
    Check("unhandled", jobs.unhandled),
    Check("jobs", jobs.waiting),
    Check("books", jobs.last_audit),
    Check("audit", jobs.audited_now, deep=True),
)


def examined(patient: Patient, *, deep: bool) -> Iterator[tuple[str, Finding]]:
    """What each check finds."""
    return gone_through(CHECKS, patient, deep=deep)
