"""Render the dashboard as Grafana's JSON, with Grafana's own foundation SDK: ``python -m tools.render_grafana``.

What is shown comes from :mod:`jobledger._metrics.dashboard`; here is only how Grafana draws it. The file that this
prints ships in the package, so that nobody needs the SDK who exports it. The SDK's version says for which Grafana it
builds.
"""

from __future__ import annotations

import itertools
import string
import sys
from typing import TYPE_CHECKING, Final

from grafana_foundation_sdk.builders import common, dashboard, heatmap, prometheus, stat, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    LegendDisplayMode,
    LegendPlacement,
    SortOrder,
    StackingMode,
    TooltipDisplayMode,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    DataSourceRef,
    DynamicConfigValue,
    FieldColorModeId,
    Threshold,
    ThresholdsMode,
    VariableOption,
    VariableRefresh,
    VariableSort,
)
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from jobledger._core.catalog import AS_OF, COMPLETIONS
from jobledger._metrics.alerts import RUNBOOKS
from jobledger._metrics.dashboard import SLO_TARGET, SLO_TARGETS, SLO_WAIT, SLO_WAITS, rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import TypeAlias

    from jobledger._core.panel import Panel, Query

    Drawn: TypeAlias = heatmap.Panel | stat.Panel | timeseries.Panel
    Variable: TypeAlias = (
        dashboard.AdHocVariable | dashboard.CustomVariable | dashboard.DatasourceVariable | dashboard.QueryVariable
    )

SOURCE: Final = DataSourceRef("prometheus", "${datasource}")
UNITS: Final = {"count": "short", "per second": "cps", "seconds": "s", "share": "percentunit", "bytes": "bytes"}
HEIGHT: Final = 8
OBJECTIVE: Final = "objective"
DASHED: Final = [
    DynamicConfigValue("color", {"mode": "fixed", "fixedColor": "red"}),
    DynamicConfigValue("custom.lineStyle", {"fill": "dash", "dash": [10, 10]}),
    DynamicConfigValue("custom.fillOpacity", 0),
]


def build() -> dashboard.Dashboard:
    """The whole dashboard."""
    whole = (
        dashboard.Dashboard("jobledger")
        .uid("jobledger")
        .description("Background jobs of jobledger. Rendered from its catalog of metrics.")
        .tags(["jobledger"])
        .time("now-6h", "now")
        .refresh("30s")
        .timezone("browser")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .editable()
    )
    for variable in variables():
        whole.with_variable(variable)
    ids = itertools.count(1)
    for row in rows():
        whole.with_row(dashboard.Row(row.title).id(next(ids)))
        for panel in row.panels:
            whole.with_panel(drawn(panel).id(next(ids)))
    return whole


# The variables


def variables() -> Iterator[Variable]:
    """What stands above the panels, to be chosen."""
    yield dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus")
    yield chosen_of("job", "Store", f"label_values({AS_OF.series}, job)").description(
        "The scrape job: one for each store."
    )
    yield chosen_of("type", "Type", f'label_values({COMPLETIONS.series}{{job=~"$job"}}, type)')
    yield one_of("slo_wait", "Objective: wait", SLO_WAITS, SLO_WAIT).description(
        "A boundary of the histograms, in seconds. Take the one of --slo-wait of your alerts."
    )
    yield one_of("slo_target", "met by", tuple((share, share) for share in SLO_TARGETS), SLO_TARGET).description(
        "The share of starts. Take the one of --slo-target of your alerts."
    )
    yield dashboard.AdHocVariable("filters").label("Filters").datasource(SOURCE)


def chosen_of(name: str, label: str, query: str) -> dashboard.QueryVariable:
    """Any of the values of a label, or all of them, also those to come."""
    return (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(SOURCE)
        .query(query)
        .multi(multi=True)
        .include_all(include_all=True)
        .all_value(".*")
        .current(VariableOption(selected=True, text=["All"], value=["$__all"]))
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
    )


def one_of(name: str, label: str, values: tuple[tuple[str, str], ...], current: str) -> dashboard.CustomVariable:
    """One of these values; before each what people read."""
    options = [VariableOption(selected=value == current, text=text, value=value) for text, value in values]
    (selected,) = (option for option in options if option.selected)
    return (
        dashboard.CustomVariable(name)
        .label(label)
        .values(",".join(f"{text} : {value}" for text, value in values))
        .options(options)
        .current(selected)
    )


# The panels


def drawn(panel: Panel) -> Drawn:
    """A panel with its queries, where the layout puts it."""
    shape = SHAPES[panel.shape](panel)
    for name, query in zip(string.ascii_uppercase, panel.queries, strict=False):
        shape.with_target(target(query, panel).ref_id(name))
    links = [
        dashboard.DashboardLink(f"Runbook: {alert.name}")
        .type(DashboardLinkType.LINK)
        .url(f"{RUNBOOKS}/{alert.runbook}")
        .target_blank(target_blank=True)
        for alert in panel.alerts
    ]
    return (
        shape.title(panel.title)
        .description(panel.note)
        .datasource(SOURCE)
        .span(panel.width)
        .height(HEIGHT)
        .links([*links])
    )


def target(query: Query, panel: Panel) -> prometheus.Dataquery:
    """A query as Grafana sends it."""
    asked = prometheus.Dataquery().expr(query.expr).legend_format(query.legend)
    if panel.shape == "number":
        return asked.instant()
    if panel.shape == "heatmap":
        asked = asked.format(PromQueryFormat.HEATMAP)
    return asked.range().exemplar(query.exemplars)


def lines(panel: Panel) -> timeseries.Panel:
    """Lines over time, or areas that add up."""
    shape = (
        timeseries.Panel()
        .unit(UNITS[panel.unit])
        .axis_soft_min(0)
        .line_width(1)
        .fill_opacity(10)
        .legend(
            common.VizLegendOptions()
            .display_mode(LegendDisplayMode.LIST)
            .placement(LegendPlacement.BOTTOM)
            .show_legend(show_legend=True)
        )
        .tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING))
    )
    if any(query.legend == OBJECTIVE for query in panel.queries):
        shape = shape.override_by_name(OBJECTIVE, DASHED)
    if panel.shape == "stack":
        shape = shape.stacking(common.StackingConfig().mode(StackingMode.NORMAL)).fill_opacity(40)
    return shape


def number_of(panel: Panel) -> stat.Panel:
    """The last value of each query, in its colour."""
    steps = [Threshold(value=value, color=color) for value, color in panel.levels]
    shape = (
        stat.Panel()
        .unit(UNITS[panel.unit])
        .graph_mode(BigValueGraphMode.NONE)
        .color_mode(BigValueColorMode.VALUE)
        .color_scheme(dashboard.FieldColor().mode(FieldColorModeId.THRESHOLDS))
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .thresholds(dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps))
    )
    return shape.no_value(panel.empty) if panel.empty else shape


def heat(panel: Panel) -> heatmap.Panel:
    """How many observations fell into each bucket."""
    return (
        heatmap.Panel()
        .calculate(calculate=False)
        .y_axis(heatmap.YAxisConfig().unit(UNITS[panel.unit]))
        .color(heatmap.HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme("Oranges").steps(64))
        .filter_values(heatmap.FilterValueRange().le(1e-9))
        .show_y_histogram()
    )


SHAPES: Final[Mapping[str, Callable[[Panel], Drawn]]] = {
    "lines": lines,
    "stack": lines,
    "number": number_of,
    "heatmap": heat,
}


def rendered() -> str:
    """The file."""
    return JSONEncoder(indent=2).encode(build().build()) + "\n"


if __name__ == "__main__":
    sys.stdout.write(rendered())
