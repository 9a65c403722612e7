"""The panels of the dashboard are rendered from the catalog."""

from __future__ import annotations

import re

import pytest

from jobledger._core.alerts import ALERTS
from jobledger._core.catalog import CATALOG, Kind
from jobledger._core.panel import Panel, fields_of
from jobledger._core.panels import ROWS
from jobledger._metrics.dashboard import PER_STORE, rows
from jobledger._metrics.process import PROCESS

PANELS = [panel for row in ROWS for panel in row.panels]
RENDERED = [panel for row in rows() for panel in row.panels]
SERIES = re.compile(r"\b(?:jobs|jobledger|scrape)_[a-z_]+\b")
KNOWN = {one.series: one for one in (*CATALOG, *PROCESS)}
PART = re.compile(r"_(bucket|count)$")


def instruments_of(panel: Panel) -> set[str]:
    return {name for query in panel.queries for name in SERIES.findall(query.expr)}


def test_titles_are_unique() -> None:
    titles = [panel.title for panel in PANELS] + [row.title for row in ROWS]
    assert len(set(titles)) == len(titles)


def test_every_instrument_is_shown_somewhere() -> None:
    assert {one.attribute for panel in PANELS for one in panel.reads} == {one.attribute for one in CATALOG}


def test_every_alert_is_beside_a_panel() -> None:
    assert {alert.name for panel in PANELS for alert in panel.alerts} == {alert.name for alert in ALERTS}


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.title)
def test_a_query_names_instruments_and_no_series(panel: Panel) -> None:
    for query in panel.queries:
        assert "jobs_" not in query.expr
        assert fields_of(query.expr) <= {one.attribute for one in CATALOG} | {"process", "per_store", "most_series"}


@pytest.mark.parametrize("panel", RENDERED, ids=lambda panel: panel.title)
def test_a_panel_reads_what_is_scraped(panel: Panel) -> None:
    found = {PART.sub("", name) for name in instruments_of(panel)}
    assert found - KNOWN.keys() <= {"scrape_duration_seconds", "scrape_samples_scraped"}
    for query in panel.queries:
        for name, inside in re.findall(r"\b((?:jobs|jobledger|scrape)_[a-z_]+){(.*?)}", query.expr):
            instrument = KNOWN.get(PART.sub("", name))
            has = instrument.labels if instrument else ()
            assert set(re.findall(r"(\w+)=", inside)) <= {"job", "le", *has}
            assert ('type=~"$type"' in inside) == ("type" in has)
            assert 'job=~"$job"' in inside


@pytest.mark.parametrize("panel", RENDERED, ids=lambda panel: panel.title)
def test_several_targets_of_a_store_count_once(panel: Panel) -> None:
    """Sums, and only they, could count twice; a share of sums over all targets is the same however many there are."""
    for query in panel.queries:
        for rest in re.split(r"\bsum(?: by \([a-z, ]+\))? \(", query.expr)[1:]:
            assert rest.startswith(f"max {PER_STORE} (") or panel.title.startswith("Error budget left")


@pytest.mark.parametrize("panel", RENDERED, ids=lambda panel: panel.title)
def test_counters_and_histograms_are_shown_as_changes(panel: Panel) -> None:
    for query in panel.queries:
        for name in SERIES.findall(query.expr):
            instrument = KNOWN.get(PART.sub("", name))
            if instrument is not None and instrument.kind is not Kind.GAUGE:
                assert re.search(rf"(rate|increase)\({name}{{", query.expr), name
                assert instrument.kind is Kind.COUNTER or PART.search(name)
                assert ("histogram_quantile" in query.expr) <= (instrument.kind is Kind.HISTOGRAM)


@pytest.mark.parametrize("panel", RENDERED, ids=lambda panel: panel.title)
def test_exemplars_are_asked_for_where_there_are_some(panel: Panel) -> None:
    """Once a panel: those of its queries would be the same."""
    marked = [query for query in panel.queries if query.exemplars]
    have = any(
        name in query.expr for query in panel.queries for name in ("wait_duration", "processing", "jobs_duration")
    )
    assert len(marked) == (1 if have and panel.shape != "number" else 0)


@pytest.mark.parametrize("panel", RENDERED, ids=lambda panel: panel.title)
def test_a_panel_says_what_it_shows(panel: Panel) -> None:
    """The meaning of each instrument, and the page of each alert."""
    for one in panel.reads:
        assert f"`{one.series}`: {one.meaning}" in panel.note
    for alert in panel.alerts:
        assert f"{alert.name}: docs/runbooks/{alert.runbook}" in panel.note
    assert "{" not in panel.note
    assert panel.note
