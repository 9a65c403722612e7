"""Whatever stands in labels and helps: our text is what prometheus-client writes, and what it reads back."""

from __future__ import annotations

import math
from string import ascii_letters, digits, hexdigits
from typing import TYPE_CHECKING

from hypothesis import example, given, settings
from hypothesis import strategies as st

from jobledger._core.catalog import Kind
from jobledger._metrics.family import Exemplar, Family, Series
from jobledger._metrics.histogram import HistogramValue
from jobledger._metrics.text import number, text_of
from tests.prometheus_client_text import parsed, written

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hypothesis.strategies import DrawFn

    from jobledger._metrics.family import Labels

NASTY = '\\"\n{},=# \t\r\x00\x0b\u2028\u0085é𝄞\\n\\\\n+Inf'
VALUES = st.text(st.sampled_from(NASTY) | st.characters(exclude_categories=["Cs"]), max_size=20)
NAMES = st.text(ascii_letters + digits + "_", min_size=1, max_size=12).map("x_{}_y".format)
LABEL_NAMES = st.sampled_from(["a", "le_", "l", "lf", "ld", "type", "priority", "Z", "z9"])
AMOUNTS = st.integers(0, 2**62) | st.floats(allow_nan=False, allow_infinity=False)
COUNTED = st.integers(0, 2**62) | st.floats(0, allow_infinity=False)
SETTINGS = settings(max_examples=100, deadline=None)
TIMES = st.floats(0, 1e10)


@st.composite
def labels(draw: DrawFn) -> Labels:
    return tuple(draw(st.dictionaries(LABEL_NAMES, VALUES, max_size=4)).items())


@st.composite
def exemplars(draw: DrawFn, ids: str) -> Exemplar:
    known = draw(st.dictionaries(st.sampled_from(["job_id", "trace_id"]), st.text(ids, max_size=20)))
    return Exemplar(tuple(known.items()), draw(COUNTED), draw(TIMES))


@st.composite
def histograms(draw: DrawFn, ids: str) -> tuple[HistogramValue, tuple[Exemplar | None, ...]]:
    bounds = tuple(sorted(draw(st.sets(st.floats(1e-6, 1e12), min_size=1, max_size=4))))
    counts = [draw(st.integers(0, 2**40)) for _ in range(len(bounds) + 1)]
    known = draw(st.none() | st.tuples(*[st.none() | exemplars(ids)] * len(counts)))
    return HistogramValue.of(bounds, counts, draw(st.floats(0, allow_infinity=False))), known or ()


@st.composite
def families(draw: DrawFn, ids: str) -> tuple[Family, ...]:
    found: list[Family] = []
    for stem in draw(st.lists(NAMES, max_size=3, unique=True)):
        kind, unit = draw(st.sampled_from(Kind)), draw(st.sampled_from(["", "seconds"]))
        name = f"{stem}_{unit}" if unit else stem
        unique = draw(st.lists(labels(), max_size=3, unique_by=lambda one: tuple(sorted(one))))
        series: list[Series] = []
        for one in unique:
            if kind is Kind.HISTOGRAM:
                value, known = draw(histograms(ids))
                series.append(Series(one, value, known))
            else:
                series.append(Series(one, draw(COUNTED if kind is Kind.COUNTER else AMOUNTS)))
        created = draw(st.none() | TIMES) if kind is Kind.COUNTER else None
        total = "_total" if kind is Kind.COUNTER else ""
        found.append(Family(name + total, kind, draw(VALUES), tuple(series), unit, created))
    return tuple(found)


@given(families(NASTY))
@SETTINGS
def test_it_is_byte_for_byte_what_prometheus_client_writes(families: tuple[Family, ...]) -> None:
    for openmetrics in (False, True):
        assert text_of(families, openmetrics=openmetrics) == written(families, openmetrics=openmetrics)


@given(families(hexdigits + "-"))  # their parser is not made for quotes in exemplars; ours have none
@SETTINGS
def test_prometheus_client_reads_it_back(families: tuple[Family, ...]) -> None:
    for openmetrics in (False, True):
        read = parsed(text_of(families, openmetrics=openmetrics), openmetrics=openmetrics)
        for ours, theirs in zip(families, read, strict=True):
            assert (theirs.name, theirs.type) == (ours.name.removesuffix("_total"), ours.kind)
            assert theirs.documentation.strip() == ours.help.strip()  # their parsers are not exact about white space
        found = [(s.name, tuple(sorted(s.labels.items())), s.value) for one in read for s in one.samples]
        assert found == [sample for one in families for sample in samples(one, openmetrics=openmetrics)]
        if openmetrics:
            given = [one for family in families for series in family.series for one in series.exemplars if one]
            back = [s.exemplar for one in read for s in one.samples if s.exemplar]
            assert [(e.labels, e.value) for e in back] == [(dict(e.labels), float(e.value)) for e in given]


def samples(family: Family, *, openmetrics: bool) -> Iterator[tuple[str, Labels, float]]:
    for series in family.series:
        labels = tuple(sorted(series.labels))
        if isinstance(series.value, HistogramValue):
            for bound, seen in series.value.buckets:
                yield f"{family.name}_bucket", tuple(sorted((*labels, ("le", number(bound))))), float(seen)
            yield f"{family.name}_count", labels, float(series.value.count)
            yield f"{family.name}_sum", labels, float(series.value.sum)
        else:
            yield family.name, labels, float(series.value)
        if openmetrics and family.created is not None:
            yield f"{family.name.removesuffix('_total')}_created", labels, float(number(family.created))


@given(st.floats() | st.integers(-(2**70), 2**70))
@example(999_999)
@example(1_000_000)
@example(1e16)
@example(123456789012345.6)
@example(-0.0)
def test_a_number_is_itself_and_as_go_writes_it(value: float) -> None:
    from prometheus_client.utils import floatToGoString

    assert number(value) == floatToGoString(value)  # type: ignore[no-untyped-call]
    assert float(number(value)) == float(value) or math.isnan(value)
