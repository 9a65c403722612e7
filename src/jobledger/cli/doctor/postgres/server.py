"""The server: whether it can be reached, what it is, and what its settings risk."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from jobledger.cli.doctor.finding import Finding, broken, ok, warning
from jobledger.cli.moments import length
from jobledger.cli.source import public

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobledger.cli.doctor.postgres.patient import Patient

_OLDEST: Final = 14
_NEWEST: Final = 18
_FAR: Final = 0.02
"""A batch is a round trip, and a worker makes one after the other."""
_AHEAD: Final = 2.0
_PER_PROCESS: Final = 6
"""Connections that a worker has at most: to write, read, read the books, audit, renew its lease, and wake others."""
_MS: Final = 1000
_FIRST: Final = 1_767_225_600.0
"""The first of January 2026: before that there was no jobledger."""


def url(patient: Patient) -> Iterator[Finding]:
    """Which store, and who says so."""
    yield ok(f"{public(patient.url)}, from {patient.source}")


def reach(patient: Patient) -> Iterator[Finding]:
    """Whether it answers."""
    if patient.trouble is not None:
        what, _, do = str(patient.trouble).partition(": ")
        yield broken(what, do or "check the URL, the server and the network between")
        return
    server, way = patient.ask.server, patient.ask.way
    told = f"PostgreSQL {server.version} answers in {way.trip * _MS:.1f} ms, as role {server.role}"
    if way.trip > _FAR:
        yield warning(f"{told}: each batch of a worker takes that long", "bring workers nearer to the server")
    else:
        yield ok(told)


def version(patient: Patient) -> Iterator[Finding]:
    """Whether it is one that jobledger was tried on."""
    if patient.trouble is not None:
        return
    server = patient.ask.server
    if server.major < _OLDEST:
        yield broken(f"PostgreSQL {server.version} is too old", f"upgrade it to one of {_OLDEST} to {_NEWEST}")
    elif server.major > _NEWEST:
        yield warning(f"PostgreSQL {server.version} is newer than any that was tried", "look for a newer jobledger")
    else:
        yield ok(f"PostgreSQL {server.major} is one of {_OLDEST} to {_NEWEST}")


def primary(patient: Patient) -> Iterator[Finding]:
    """Whether it takes writes."""
    if patient.trouble is not None:
        return
    if patient.ask.server.is_standby:
        yield broken(
            "this is a standby, which only reads", "name the primary; or all hosts: ?target_session_attrs=primary"
        )
    elif patient.ask.server.only_reads:
        yield broken(
            "transactions only read here by default",
            "set default_transaction_read_only = off for this role or database",
        )
    else:
        yield ok("it is a primary, and takes writes")


def isolation(patient: Patient) -> Iterator[Finding]:
    """Each statement of a batch must see what was committed before it."""
    if patient.trouble is not None:
        return
    level = patient.ask.server.isolation
    if level == "read committed":
        yield ok("transactions are read committed")
    else:
        yield broken(
            f"transactions are {level} by default: batches would look at the past",
            "set default_transaction_isolation = 'read committed' for this role or database",
        )


def pooler(patient: Patient) -> Iterator[Finding]:
    """Whether connections are somebody else's a moment later."""
    if patient.trouble is not None:
        return
    if patient.ask.way.pooled:
        yield warning(
            "a pooler stands in between: workers hear no wake-ups and look by themselves, up to 250 ms late; and one "
            "that is killed is missed only when its lease has run out",
            "let workers connect directly, and clients through the pooler",
        )
    else:
        yield ok("no pooler stands in between")


def durability(patient: Patient) -> Iterator[Finding]:
    """Whether a commit is a commit."""
    if patient.trouble is not None:
        return
    server = patient.ask.server
    if not server.syncs:
        yield broken("fsync is off: a power cut can destroy the whole database", "set fsync = on")
    if not server.writes_full_pages:
        yield broken("full_page_writes is off: a power cut can destroy pages", "set full_page_writes = on")
    if server.synchronous_commit == "off":
        yield warning(
            "synchronous_commit is off: a crash of the server loses the last moments of jobs that were accepted",
            "set synchronous_commit = on for this role or database",
        )
    elif server.syncs and server.writes_full_pages:
        yield ok(f"fsync and full_page_writes are on, synchronous_commit is {server.synchronous_commit}")


def clocks(patient: Patient) -> Iterator[Finding]:
    """The server's clock is the store's; this machine's is that of its logs, and of the times that clients give."""
    if patient.trouble is not None:
        return
    ahead = patient.ask.way.ahead
    if time.time() + ahead < _FIRST:
        yield broken("the server's clock is before there was a jobledger", "set it: timedatectl set-ntp true, there")
    elif abs(ahead) > _AHEAD:
        told = f"the server's clock is {length(abs(ahead))} {'ahead of' if ahead > 0 else 'behind'} this machine's"
        yield warning(f"{told}: jobs become due by the server's", "let both follow NTP: timedatectl set-ntp true")
    else:
        yield ok(f"the server's clock and this machine's differ by {abs(ahead) * _MS:.0f} ms")


def connections(patient: Patient) -> Iterator[Finding]:
    """Whether more processes could connect."""
    if patient.trouble is not None:
        return
    room = patient.ask.room
    told = f"{room.used} of {room.most} connections are used, {room.ours} of them by jobledger"
    if room.most - room.used < 2 * _PER_PROCESS:
        yield warning(
            f"{told}: a worker takes up to {_PER_PROCESS}",
            "raise max_connections (or the limit of the role or database), or let clients connect through a pooler",
        )
    else:
        yield ok(told)
