"""The users' own series: which number a count goes to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from jobledger._core.catalog import USER_NUMBERS
from jobledger._core.deltas import NO_PRIORITY, observe_into
from jobledger._core.series import within_budget

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jobledger._core.commands import UserDelta
    from jobledger._core.deltas import Cells
    from jobledger._types import Micros

Row = tuple[int, str, str, str, str]
"""Number, name, kind, the labels as JSON, and the help."""


class OwnSeries:
    """Series by name and labels.

    Args:
        rows: those that are known.

    Attributes:
        fresh: new ones, to be written with the batch.
        described: names that get another help, to be written with it too.
    """

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        """Know these."""
        self.fresh: list[Row] = []
        self.described: dict[str, str] = {}
        self._known: dict[tuple[str, str], tuple[int, str]] = {}
        self._kinds: dict[str, str] = {}
        self._help: dict[str, str] = {}
        self._used: dict[str, int] = {}
        self._last = USER_NUMBERS - 1
        for row in rows:
            self._learn(row)

    def knows(self, metrics: Iterable[UserDelta]) -> bool:
        """Whether all of these have their series, and their help."""
        return all(map(self._knows, metrics))

    def _knows(self, delta: UserDelta) -> bool:
        known = self._known.get((delta.name, json.dumps(delta.labels)))
        return known is not None and known[1] == delta.kind and delta.help in {"", self._help[delta.name]}

    def book(self, cells: Cells, metrics: Iterable[UserDelta], ladder: tuple[Micros, ...]) -> None:
        """Count."""
        for delta in metrics:
            family = (self._number(delta), 0, NO_PRIORITY)
            if delta.kind == "histogram":
                observe_into(cells, family, delta.amount, ladder)
            else:
                cell = (*family, 0)
                cells[cell] = cells.get(cell, 0) + delta.amount

    def _number(self, delta: UserDelta) -> int:
        labels = json.dumps(delta.labels)
        known = self._known.get((delta.name, labels))
        if known is not None and known[1] == delta.kind:
            self._describe(delta)
            return known[0]
        kind = self._kinds.get(delta.name)
        if kind is not None and kind != delta.kind:
            # A name has one kind for ever: what doesn't fit is counted beside it, not lost with the job's outcome.
            stem = delta.name.removesuffix("_total")
            suffix = "_total" if delta.kind == "counter" else ""
            return self._number(_renamed(delta, f"{stem}_as_{delta.kind}{suffix}"))
        fitting = within_budget(delta, self._used.get(delta.name, 0), self._last + 1 - USER_NUMBERS)
        if fitting is not delta:
            return self._number(fitting)
        row = (self._last + 1, delta.name, delta.kind, labels, self._help.get(delta.name) or delta.help)
        self.fresh.append(row)
        self._learn(row)
        self._describe(delta)
        return row[0]

    def _describe(self, delta: UserDelta) -> None:
        if delta.help not in {"", self._help[delta.name]}:
            self._help[delta.name] = self.described[delta.name] = delta.help

    def _learn(self, row: Row) -> None:
        number, name, kind, labels, text = row
        self._known[name, labels] = number, kind
        self._kinds.setdefault(name, kind)
        self._help[name] = text
        self._used[name] = self._used.get(name, 0) + 1
        self._last = max(self._last, number)


def _renamed(delta: UserDelta, name: str) -> UserDelta:
    return type(delta)(name, delta.kind, delta.labels, delta.amount)
