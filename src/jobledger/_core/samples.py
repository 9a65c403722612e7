"""Samples of the totals: how often, for how long, and how they are kept small."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any, Final

import msgspec

from jobledger._core.deltas import Cell
from jobledger._types import SECOND, Micros

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

FINE: Final = 10
"""Seconds between samples of the last day."""
COARSE: Final = 300
"""Seconds between samples of the last month. Each is whole; a fine one holds what has changed since."""
KEPT: Final[Mapping[int, Micros]] = {FINE: 24 * 3600 * SECOND, COARSE: 30 * 24 * 3600 * SECOND}
MOST_BYTES: Final = 64 * 1024 * 1024
"""What all samples may take; beyond it the oldest fine ones go first."""
SLACK: Final = SECOND // 2
"""Workers take turns, so a sample may come a little early."""

_FAST: Final = 1
_decoder: Final = msgspec.msgpack.Decoder(list[int])


class TotalsAt(msgspec.Struct, frozen=True):
    """The totals at one moment: every integer of the ledger, but not the users' own series."""

    at: Micros
    cells: dict[Cell, int]


def is_due(last: Micros | None, step: int, now: Micros) -> bool:
    """Whether it is time for the next sample of a kind."""
    return last is None or now - last >= step * SECOND - SLACK


def packed(cells: Mapping[Cell, int], before: Mapping[Cell, int] | None = None) -> bytes:
    """The cells, or those of them that differ from an earlier sample."""
    flat: list[int] = []
    for cell, value in cells.items():
        if before is None or before.get(cell) != value:
            flat += (*cell, value)
    return zlib.compress(msgspec.msgpack.encode(flat), _FAST)


def unpacked(blob: bytes) -> dict[Cell, int]:
    """What :func:`packed` has kept."""
    flat = _decoder.decode(zlib.decompress(blob))
    return {Cell(*flat[i : i + 4]): flat[i + 4] for i in range(0, len(flat), 5)}


def whole(rows: Iterable[Sequence[Any]], frames: Iterable[Sequence[Any]]) -> list[TotalsAt]:
    """Fine samples on top of the coarse one before each; without one (it was thinned out) there is nothing to say.

    Args:
        rows: times and packed cells of the fine samples, in order.
        frames: those of the coarse ones.
    """
    found: list[TotalsAt] = []
    base: dict[Cell, int] | None = None
    left = [(frame[0], frame[1]) for frame in frames][::-1]
    for at, blob in rows:
        while left and left[-1][0] <= at:
            base = unpacked(left.pop()[1])
        if base is not None:
            found.append(TotalsAt(at, {**base, **unpacked(blob)}))
    return found
