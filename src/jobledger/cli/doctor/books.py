"""Whether the file is whole, and whether the books balance."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from jobledger._clock import SystemClock
from jobledger._store.sqlite.checkup import audit, faults
from jobledger._types import seconds
from jobledger.cli.doctor.finding import Finding, broken, ok
from jobledger.cli.moments import away
from jobledger.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobledger.cli.doctor.patient import Patient

_RESTORE = "stop all processes, keep a copy of the file, and restore a backup"
_REPORT = "look at `jobledger audit`, and report it: that is a defect of jobledger"


def last_audit(patient: Patient) -> Iterator[Finding]:
    """What a worker's upkeep found, about once a minute."""
    if isinstance(patient.facts, StoreError):
        return
    found = patient.facts.last_audit
    if found is None:
        yield ok("no worker has audited them yet; --deep does it now")
        return
    when = away(datetime.fromtimestamp(seconds(found.at), UTC))
    if found.value:
        yield broken(f"out of balance: {found.value} findings, {when}", _REPORT)
    else:
        yield ok(f"balanced at the last audit by a worker, {when}")


def whole_file(patient: Patient) -> Iterator[Finding]:
    """Read all of the file, as SQLite checks it."""
    if isinstance(patient.facts, StoreError):
        return
    began = time.monotonic()
    try:
        found = faults(patient.path)
    except StoreError as error:
        found = [str(error)]
    if found:
        more = f", and {len(found) - 1} more" if len(found) > 1 else ""
        yield broken(f"SQLite finds it damaged: {found[0]}{more}", _RESTORE)
    else:
        yield ok(f"SQLite finds it whole, in {time.monotonic() - began:.1f} s")


def audited_now(patient: Patient) -> Iterator[Finding]:
    """Read all rows, as an audit does."""
    facts = patient.facts
    if isinstance(facts, StoreError) or facts.schema < facts.newest:
        return
    found = audit(patient.path, SystemClock().now())
    if found.balanced:
        yield ok(f"balanced now: {len(found.checks)} equations and {len(found.rules)} rules")
    else:
        yield broken(f"out of balance now: {found.findings} findings", _REPORT)
