"""The reference page of the metrics, rendered from the catalog and the rule-book."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Final

from jobledger._core.catalog import BOUNDARIES, CATALOG, CRITERIA, ELEVEN, Kind
from jobledger._core.labels import MAX_LABEL
from jobledger._core.priority import Priority
from jobledger._core.soundness import RULES
from jobledger._metrics.process import PROCESS
from jobledger._metrics.transitions import transitions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jobledger._core.catalog import Instrument

_SOURCES: Final = {
    "ledger": "committed with each transition",
    "probe": "looked up at read",
    "sample": "sampled by upkeep",
    "read": "of this read",
}
_NONE: Final = "-"
_MANY_TYPES: Final = 30
_ELEVEN: Final = ("attribute", "series", "kind", "labels", "what it counts, exactly")
_CRITERIA: Final = ("criterion", "series", "read it with")
_FURTHER: Final = ("attribute", "series", "kind", "labels", "what it tells", "source")
_PROCESS: Final = ("series", "kind", "what it tells")
_TRANSITION: Final = ("transition", "counters +1", "histograms see", "gauges")


def metrics_page() -> str:
    """The page ``docs/metrics.md``, in Markdown; the same on every machine."""
    page = files("jobledger._metrics").joinpath("reference.md").read_text(encoding="utf-8")
    for name, text in _parts().items():
        page = page.replace("{{" + name + "}}", text)
    return page


def _parts() -> dict[str, str]:
    one, more, fixed = _series_per_type()
    many = _MANY_TYPES * (one + more * (len(Priority) - 1)) + fixed
    return {
        "eleven": _table(_ELEVEN, map(_instrument_row, ELEVEN)),
        "criteria": _table(_CRITERIA, map(_criterion_row, CRITERIA)),
        "further": _table(_FURTHER, map(_further_row, CATALOG[len(ELEVEN) :])),
        "process": _table(_PROCESS, ((_code(one.series), one.kind, one.meaning) for one in PROCESS)),
        "boundaries": " ".join(f"{bound:g}" for bound in BOUNDARIES),
        "boundary_count": str(len(BOUNDARIES)),
        "largest": f"{BOUNDARIES[-1]:,}",
        "transitions": _transitions(),
        "rules": "\n".join(f"- {rule}" for rule in RULES),
        "label_length": str(MAX_LABEL),
        "per_histogram": str(_series_of(Kind.HISTOGRAM)),
        "per_type": str(one),
        "per_priority": str(more),
        "fixed": str(fixed),
        "many_types": str(_MANY_TYPES),
        "many": f"{many:,}",
    }


def _instrument_row(instrument: Instrument) -> tuple[str, ...]:
    labels = ", ".join(instrument.labels) or _NONE
    return _code(instrument.attribute), _code(instrument.series), instrument.kind, labels, instrument.meaning


def _further_row(instrument: Instrument) -> tuple[str, ...]:
    return *_instrument_row(instrument), _SOURCES[instrument.source]


def _criterion_row(name: str) -> tuple[str, ...]:
    instrument = CRITERIA[name]
    return _code(name), _code(instrument.series), _code(f"await app.metrics.jobs.{instrument.attribute}.read()")


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


def _series_per_type() -> tuple[int, int, int]:
    """Series of a type at one priority, of each further priority, and those without a type."""
    both = sum(_series_of(one.kind) for one in CATALOG if one.by_priority)
    alone = sum(_series_of(one.kind) * (3 if "status" in one.labels else 1) for one in CATALOG if _is_by_type(one))
    fixed = sum(2 if "state" in one.labels else 1 for one in CATALOG if "type" not in one.labels)
    return both + alone, both, fixed


def _is_by_type(instrument: Instrument) -> bool:
    return "type" in instrument.labels and not instrument.by_priority


def _series_of(kind: Kind) -> int:
    """A histogram has its boundaries, +Inf, the sum and the count."""
    return len(BOUNDARIES) + 3 if kind is Kind.HISTOGRAM else 1


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = (head, ("---",) * len(head), *rows)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _code(text: str) -> str:
    return f"`{text}`"
