"""Families and their series, as every face shows them."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from jobledger._core.catalog import Kind
from jobledger._metrics.histogram import HistogramValue

Labels: TypeAlias = tuple[tuple[str, str], ...]
"""Names and values, in the order of the instrument."""
Value: TypeAlias = int | float | HistogramValue


class Exemplar(msgspec.Struct, frozen=True, gc=False):
    """One observation in a bucket, with the job that it was made of.

    Attributes:
        labels: ``job_id`` and, if it is known, ``trace_id``.
        value: what was observed, in seconds.
        at: when, in seconds since 1970.
        span_id: of the submit, if it is known; only OTLP has a place for it.
    """

    labels: Labels
    value: float
    at: float
    span_id: str | None = None


class Series(msgspec.Struct, frozen=True, gc=False):
    """One series and its value.

    Attributes:
        labels: names and values.
        value: a number or a histogram.
        exemplars: one place for each bucket of a histogram; empty where no job is known.
    """

    labels: Labels
    value: Value
    exemplars: tuple[Exemplar | None, ...] = ()


class Family(msgspec.Struct, frozen=True):
    """All series of one name.

    Attributes:
        name: as on the wire; a counter's ends in ``_total``.
        kind: counter, gauge or histogram.
        help: one line.
        unit: ``seconds``, or empty.
        series: sorted by their labels.
        created: when counting began, in seconds since 1970; None where it never begins anew.
    """

    name: str
    kind: Kind
    help: str
    series: tuple[Series, ...]
    unit: str = ""
    created: float | None = None
