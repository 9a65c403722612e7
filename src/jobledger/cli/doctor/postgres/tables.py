"""The tables: whether vacuum keeps up, and what keeps it back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from jobledger.cli.doctor.finding import Finding, ok, warning
from jobledger.cli.moments import length

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobledger._store.postgres.checkup import Table
    from jobledger.cli.doctor.postgres.patient import Patient

_DEAD: Final = 50_000
_OLD: Final = 60.0
_UNFOLDED: Final = 10_000
_HOT: Final = ("job", "ledger", "ledger_delta", "lease", "mailbox", "writer")
"""Tables whose rows change all the time."""
_VACUUM: Final = "docs/postgres.md has settings; VACUUM (ANALYZE) mends it for now"


def vacuum(patient: Patient) -> Iterator[Finding]:
    """Whether dead rows are removed from the tables that change all the time."""
    if not patient.works:
        return
    if not patient.ask.server.vacuums:
        yield warning("autovacuum is off: reading and claiming get slower and slower", "set autovacuum = on")
    hot = [table for table in patient.ask.tables if table.name in _HOT]
    for table in hot:
        if table.left_out:
            yield warning(
                f"autovacuum leaves out {table.name}", f"ALTER TABLE … {table.name} RESET (autovacuum_enabled)"
            )
    full = [table for table in hot if table.dead > max(_DEAD, 5 * table.live)]
    for table in full:
        yield warning(f"vacuum does not keep up: {_told(table)}", _VACUUM)
    if not full and hot:
        worst = max(hot, key=lambda table: table.dead)
        yield ok(f"vacuum keeps up; most dead rows are in {_told(worst)}")


def transactions(patient: Patient) -> Iterator[Finding]:
    """What keeps vacuum back, in the whole database."""
    if patient.trouble is not None:
        return
    found = patient.ask.holding(_OLD)
    for hold in found:
        age = "" if hold.age is None else f" for {length(hold.age)}"
        yield warning(
            f"{hold.kind} keeps dead rows from being removed{age}: {hold.what}",
            "drop the slot: pg_drop_replication_slot(…)" if hold.age is None
            else "end it: pg_terminate_backend(…), or ROLLBACK PREPARED; and set idle_in_transaction_session_timeout",
        )  # fmt: skip
    if not found:
        seen = "" if patient.ask.server.sees_all else " that this role can see (it is not in pg_read_all_stats)"
        yield ok(f"no transaction is older than {_OLD:.0f} s{seen}")


def deltas(patient: Patient) -> Iterator[Finding]:
    """Counts beside the ledger: live workers fold them, every second."""
    if not patient.works:
        return
    waiting = patient.books.unfolded
    if waiting > _UNFOLDED:
        yield warning(
            f"{waiting:,} counts stand beside the ledger: reading it gets slower",
            "start a worker, which folds them; if one lives, look at its log",
        )
    else:
        yield ok(f"{waiting:,} counts stand beside the ledger")


def _told(table: Table) -> str:
    last = "never vacuumed" if table.vacuumed is None else f"vacuumed {length(table.vacuumed)} ago"
    return f"{table.name} ({table.dead:,} dead, {table.live:,} live, {table.size / 1e6:,.1f} MB, {last})"
