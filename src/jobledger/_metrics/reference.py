"""The reference page of the metrics, rendered from the catalog and the rule-book."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Final

from jobledger._config import ALL_SERIES_BUDGET, LABEL_BUDGET, SERIES_BUDGET
from jobledger._core.alerts import ALERTS
from jobledger._core.catalog import BOUNDARIES, CATALOG, CRITERIA, ELEVEN, Kind
from jobledger._core.labels import MAX_LABEL
from jobledger._core.series import BEYOND
from jobledger._core.soundness import RULES
from jobledger._core.thresholds import DEFAULTS, FAST_BURN, SLOW_BURN, span
from jobledger._metrics import series_count as count
from jobledger._metrics.alerts import told
from jobledger._metrics.process import PROCESS
from jobledger._metrics.text import number
from jobledger._metrics.transitions import transitions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jobledger._core.alerts import Alert
    from jobledger._core.catalog import Instrument

_SOURCES: Final = {
    "ledger": "committed with each transition",
    "probe": "looked up at read",
    "sample": "sampled by upkeep",
    "read": "of this read",
}
_NONE: Final = "-"
_SIZES: Final = (1, 10, 20, 30, LABEL_BUDGET)
_ELEVEN: Final = ("attribute", "series", "kind", "labels", "what it counts, exactly")
_CRITERIA: Final = ("criterion", "series", "read it with")
_FURTHER: Final = ("attribute", "series", "kind", "labels", "what it tells", "source")
_PROCESS: Final = ("series", "kind", "what it tells")
_SIZE: Final = ("types", "series at one priority each", "series at all four")
_ALERT: Final = ("alert", "severity", "it says", "it reads")
_TRANSITION: Final = ("transition", "counters +1", "histograms see", "gauges")


def metrics_page() -> str:
    """The page ``docs/metrics.md``, in Markdown; the same on every machine."""
    page = files("jobledger._metrics").joinpath("reference.md").read_text(encoding="utf-8")
    for name, text in _parts().items():
        page = page.replace("{{" + name + "}}", text)
    return page


def _parts() -> dict[str, str]:
    return {
        "eleven": _table(_ELEVEN, map(_instrument_row, ELEVEN)),
        "criteria": _table(_CRITERIA, map(_criterion_row, CRITERIA)),
        "further": _table(_FURTHER, map(_further_row, CATALOG[len(ELEVEN) :])),
        "process": _table(_PROCESS, ((_code(one.series), one.kind, one.meaning) for one in PROCESS)),
        "alerts": _table(_ALERT, map(_alert_row, ALERTS)),
        "boundaries": " ".join(f"{bound:g}" for bound in BOUNDARIES),
        "boundary_count": str(len(BOUNDARIES)),
        "largest": f"{BOUNDARIES[-1]:,}",
        "transitions": _transitions(),
        "rules": "\n".join(f"- {rule}" for rule in RULES),
        "label_length": str(MAX_LABEL),
        **_objective(),
        **_counts(),
    }


def _objective() -> dict[str, str]:
    wait, target = DEFAULTS.slo_wait, DEFAULTS.slo_target
    return {
        "slo_wait": span(wait),
        "slo_le": number(wait),
        "slo_target": f"{target:.0%}",
        "slo_share": f"{target:g}",
        "fast_burn": f"{FAST_BURN:g}",
        "slow_burn": f"{SLOW_BURN:g}",
    }


def _counts() -> dict[str, str]:
    sizes = ((str(types), f"{count.of_types(types, 1):,}", f"{count.of_types(types):,}") for types in _SIZES)
    return {
        "per_histogram": str(count.series_of(Kind.HISTOGRAM)),
        "alone": str(count.per_type()),
        "per_type": str(count.per_type() + count.per_priority()),
        "per_priority": str(count.per_priority()),
        "fixed": str(count.without_type()),
        "sizes": _table(_SIZE, sizes),
        "label_budget": str(LABEL_BUDGET),
        "series_budget": str(SERIES_BUDGET),
        "all_series_budget": f"{ALL_SERIES_BUDGET:,}",
        "overflow_counter": BEYOND[Kind.COUNTER.value],
        "overflow_histogram": BEYOND[Kind.HISTOGRAM.value],
        "most_typed": f"{count.of_types(count.MOST_TYPES):,}",
        "most_own": f"{count.of_users():,}",
        "most": f"{count.at_most():,}",
    }


def _instrument_row(instrument: Instrument) -> tuple[str, ...]:
    labels = ", ".join(instrument.labels) or _NONE
    return _code(instrument.attribute), _code(instrument.series), instrument.kind, labels, instrument.meaning


def _further_row(instrument: Instrument) -> tuple[str, ...]:
    return *_instrument_row(instrument), _SOURCES[instrument.source]


def _criterion_row(name: str) -> tuple[str, ...]:
    instrument = CRITERIA[name]
    return _code(name), _code(instrument.series), _code(f"await app.metrics.jobs.{instrument.attribute}.read()")


def _alert_row(alert: Alert) -> tuple[str, ...]:
    page = f"[{alert.name}](runbooks/{alert.runbook})"
    return page, alert.severity, told(alert), ", ".join(_code(one.series) for one in alert.reads)


def _transitions() -> str:
    rows = (
        (
            one.name,
            ", ".join(one.counters) or _NONE,
            ", ".join(one.histograms) or _NONE,
            ", ".join(f"{name} {moved:+d}" for name, moved in one.gauges) or _NONE,
        )
        for one in transitions()
    )
    return _table(_TRANSITION, rows)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = (head, ("---",) * len(head), *rows)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _code(text: str) -> str:
    return f"`{text}`"
