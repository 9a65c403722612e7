"""The dashboard, rendered from the core's templates and the catalog: what is shown, but not yet how.

``tools/render_grafana.py`` makes Grafana's file of it when the documentation is built; this module needs no Grafana.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Final

import msgspec

from jobledger._core.catalog import BOUNDARIES, CATALOG
from jobledger._core.panels import ROWS
from jobledger._core.thresholds import DEFAULTS, span
from jobledger._metrics.alerts import RUNBOOKS
from jobledger._metrics.process import PROCESS
from jobledger._metrics.selector import Matcher, Selector
from jobledger._metrics.series_count import at_most
from jobledger._metrics.text import number

if TYPE_CHECKING:
    from jobledger._core.catalog import Instrument
    from jobledger._core.panel import Panel, Row

MATCHERS: Final = (Matcher("job", "=~", "$job"), Matcher("type", "=~", "$type"))
"""What the dashboard's variables choose."""
PER_STORE: Final = "without (instance, pod, container)"
"""The labels by which a scraper tells targets apart, but not stores."""
SLO_WAITS: Final = tuple((span(bound), number(float(bound))) for bound in BOUNDARIES)
"""The waits that an objective can allow: for people, and as the label ``le`` has them."""
SLO_WAIT: Final = number(float(DEFAULTS.slo_wait))
SLO_TARGETS: Final = tuple(f"{share:g}" for share in (0.9, 0.95, DEFAULTS.slo_target, 0.995, 0.999))
SLO_TARGET: Final = f"{DEFAULTS.slo_target:g}"


def rows() -> tuple[Row, ...]:
    """The rows of the dashboard, with PromQL in the place of its templates and complete notes.

    Example:
        >>> rows()[0].panels[3].queries[0].expr
        'sum by (type) (max without (instance, pod, container) (jobs_dlq_size{job=~"$job",type=~"$type"}))'
    """
    fields = _fields()
    return tuple(msgspec.structs.replace(row, panels=tuple(_panel(one, fields) for one in row.panels)) for row in ROWS)


def _panel(panel: Panel, fields: dict[str, object]) -> Panel:
    queries = tuple(msgspec.structs.replace(one, expr=one.expr.format_map(fields)) for one in panel.queries)
    return msgspec.structs.replace(panel, queries=queries, note=_told(panel))


def _told(panel: Panel) -> str:
    """The note, what each instrument means, and which alerts look at it, in Markdown."""
    return "\n\n".join(
        (
            *((panel.note,) if panel.note else ()),
            *(f"`{one.series}`: {one.meaning}" for one in (*panel.reads, *_of_process(panel))),
            *(f"Alert {one.name}: {RUNBOOKS}/{one.runbook}" for one in panel.alerts),
        )
    )


def _of_process(panel: Panel) -> tuple[Instrument, ...]:
    text = "".join(query.expr for query in panel.queries)
    return tuple(one for one in PROCESS if f"{{process.{one.attribute}}}" in text)


def _fields() -> dict[str, object]:
    """What the templates may name."""
    return {
        **{one.attribute: Selector(one, MATCHERS, "$slo_wait") for one in CATALOG},
        "process": SimpleNamespace(**{one.attribute: Selector(one, MATCHERS, "") for one in PROCESS}),
        "per_store": PER_STORE,
        "most_series": at_most(),
    }
