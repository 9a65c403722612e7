"""Families and their series, as every face shows them."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from jobledger._core.catalog import Kind
from jobledger._metrics.histogram import HistogramValue

Labels: TypeAlias = tuple[tuple[str, str], ...]
"""Names and values, in the order of the instrument."""
Value: TypeAlias = int | float | HistogramValue


class Series(msgspec.Struct, frozen=True, gc=False):
    """One series and its value."""

    labels: Labels
    value: Value


class Family(msgspec.Struct, frozen=True):
    """All series of one name.

    Attributes:
        name: as on the wire; a counter's ends in ``_total``.
        kind: counter, gauge or histogram.
        help: one line.
        unit: ``seconds``, or empty.
        series: sorted by their labels.
    """

    name: str
    kind: Kind
    help: str
    series: tuple[Series, ...]
    unit: str = ""
