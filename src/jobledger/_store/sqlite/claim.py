"""Claiming: the weighted pick over types and priorities, and one suspect at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobledger._core.commands import Start
from jobledger._core.priority import Priority
from jobledger._store.contract import Claimed, Group
from jobledger._store.rows import WIDTH, job_of
from jobledger._store.sqlite.batch import apply

if TYPE_CHECKING:
    from jobledger._core.priority import Stride
    from jobledger._store.contract import Claim
    from jobledger._store.sqlite.pages import Pages


def claim(pages: Pages, asked: Claim, writer_id: int) -> tuple[list[Claimed], list[Stride]]:
    """Start what is ready, up to the free slots of each group."""
    claimed: list[Claimed] = []
    strides: list[Stride] = []
    suspects = asked.suspects
    for group in asked.groups:
        picked = _Pick(pages, group, writer_id)
        if suspects and picked.suspect():
            suspects -= 1
        picked.fill()
        claimed += picked.claimed
        strides.append(picked.stride)
    return claimed, strides


class _Pick:
    """One group's claim: quotas by weight, and what one priority leaves flows on to the others."""

    def __init__(self, pages: Pages, group: Group, writer_id: int) -> None:
        self.claimed: list[Claimed] = []
        self.stride = group.stride.copy()
        self._pages = pages
        self._group = group
        self._writer_id = writer_id
        self._behind: dict[tuple[int, int], int] = {}

    def suspect(self) -> bool:
        """Take one job that was lost before: the next crash then has one to blame."""
        if not self._group.slots or self._pages.one("any_suspect", ()) is None:
            return False
        for priority in Priority:
            for type_id in self._group.types:
                row = self._pages.one("claim_suspect", (type_id, priority))
                if row is not None:
                    self._start(row)
                    return True
        return False

    def fill(self) -> None:
        waiting = set(Priority)
        while waiting and len(self.claimed) < self._group.slots:
            quotas = self.stride.quotas(self._group.slots - len(self.claimed), waiting)
            started = [0, 0, 0, 0]
            for priority in sorted(waiting):
                started[priority] = self._take(priority, quotas[priority])
                if started[priority] < quotas[priority]:
                    waiting.discard(priority)
            self.stride.charge(started, waiting)

    def _take(self, priority: int, quota: int) -> int:
        """Up to ``quota`` starts of one priority; first a share for each type, then whoever has more."""
        types = [
            type_id
            for type_id in self._group.types
            if (type_id, priority) not in self._behind or self._behind[type_id, priority] >= 0
        ]
        taken = 0
        for share in (2 * -(-quota // max(len(types), 1)), quota):
            for type_id in types:
                taken += self._take_type(type_id, priority, min(share, quota - taken))
            if taken >= quota:
                break
        return taken

    def _take_type(self, type_id: int, priority: int, limit: int) -> int:
        behind = self._behind.get((type_id, priority), 0)
        if limit <= 0 or behind < 0:
            return 0
        rows = self._pages.all("claim", (type_id, priority, behind, limit))
        for row in rows:
            self._start(row)
        self._behind[type_id, priority] = rows[-1][2] if len(rows) == limit else -1
        return len(rows)

    def _start(self, row: tuple[object, ...]) -> None:
        before = job_of(row)
        verdict = apply(self._pages, before, Start(self._writer_id), number=self._pages.number())
        self.claimed.append(Claimed(verdict.job or before, row[WIDTH]))  # type: ignore[arg-type]
