"""First in, first out: nobody left a mailbox ahead of an older job that its look could see."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jobledger._store.postgres.session import Session

_NEVER: Final = 2**63
NOTES: Final = """
    SELECT id, enters, key, seq, entity, xid::text::bigint, pg_snapshot_xmin(look)::text::bigint,
        pg_snapshot_xmax(look)::text::bigint,
        CASE WHEN look IS NOT NULL THEN array(SELECT x::text::bigint FROM pg_snapshot_xip(look) AS x) END
    FROM {schema}.proof_log ORDER BY id
"""


class Look(NamedTuple):
    """What a transaction could see when it chose a head."""

    xmin: int
    xmax: int
    running: frozenset[int]
    own: int
    note: int

    def sees(self, xid: int, note: int) -> bool:
        """Whether what this transaction noted was committed then, or was its own and earlier."""
        if xid == self.own:
            return note < self.note
        return xid < self.xmin or (xid < self.xmax and xid not in self.running)


class Stay(NamedTuple):
    """One stay of one job in its mailbox."""

    key: int
    seq: int
    entered: tuple[int, int]
    left: tuple[int, int]


class Head(NamedTuple):
    """A job that was made the head of its mailbox, and the look that chose it."""

    key: int
    seq: int
    look: Look


async def notes(session: Session, text: str) -> list[Any]:
    """All that was noted."""
    return list(await session.fetch(text))


def overtaken(noted: Iterable[Any]) -> list[str]:
    """The older jobs that were seen and passed over."""
    stays: dict[str, list[Stay]] = defaultdict(list)
    heads: dict[str, list[Head]] = defaultdict(list)
    inside: dict[int, Any] = {}
    for row in noted:
        note, enters, key, seq, entity, xid, xmin, xmax, running = row
        if enters:
            inside[key] = row
            continue
        came = inside.pop(key)
        stays[entity].append(Stay(key, seq, (came[5], came[0]), (xid, note)))
        if xmin is not None:
            heads[entity].append(Head(key, seq, Look(xmin, xmax, frozenset(running), xid, note)))
    for row in inside.values():
        stays[row[4]].append(Stay(row[2], row[3], (row[5], row[0]), (_NEVER, _NEVER)))
    return [said for entity, found in heads.items() for said in _of_entity(entity, found, stays[entity])]


def _of_entity(entity: str, heads: list[Head], stays: list[Stay]) -> list[str]:
    """A sweep by time: whoever left before the oldest look that is still to come needs no comparing."""
    found: list[str] = []
    heads = sorted(heads, key=lambda head: head.look.xmax)
    oldest = _oldest_to_come(heads)
    coming = sorted(stays, key=lambda stay: stay.entered[0], reverse=True)
    present: list[Stay] = []
    for head, horizon in zip(heads, oldest, strict=True):
        while coming and coming[-1].entered[0] < max(head.look.xmax, head.look.own + 1):
            present.append(coming.pop())
        present = [stay for stay in present if stay.left[0] >= horizon]
        found += [
            f"{entity}: {head.key}, order {head.seq}, was made head by {head.look.own}, ahead of {stay.key}, {stay.seq}"
            for stay in present
            if stay.seq < head.seq and head.look.sees(*stay.entered) and not head.look.sees(*stay.left)
        ]
    return found


def _oldest_to_come(heads: list[Head]) -> list[int]:
    oldest: list[int] = []
    lowest = _NEVER
    for head in reversed(heads):
        lowest = min(lowest, head.look.xmin)
        oldest.append(lowest)
    return oldest[::-1]
