"""The thresholds of the alerts, as options."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

import typer

from jobledger._core.thresholds import DEFAULTS, TIMES, Thresholds, option, span
from jobledger.cli.export.spans import seconds_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_PANEL: Final = "Thresholds"


def _option(name: str, metavar: str, text: str) -> Any:  # noqa: ANN401 - what typer makes of it
    default = getattr(DEFAULTS, name)
    shown = span(default) if name in TIMES else f"{default:g}"
    told = f"{text} [default: {shown}]"  # typer would put what is no default of the parameter in brackets
    return typer.Option(option(name), metavar=metavar, help=told, show_default=False, rich_help_panel=_PANEL)


OldestReady: TypeAlias = Annotated[str | None, _option("oldest_ready", "TIME", "How long a ready job may wait.")]
OldestParked: TypeAlias = Annotated[
    str | None, _option("oldest_parked", "TIME", "How long one may wait behind its entity's others.")
]
Stalled: TypeAlias = Annotated[
    str | None, _option("stalled", "TIME", "How long nothing may start while a job is ready.")
]
Unhandled: TypeAlias = Annotated[str | None, _option("unhandled", "TIME", "How long due jobs may lack a worker.")]
SloWait: TypeAlias = Annotated[str | None, _option("slo_wait", "TIME", "The wait allowed; a histogram's boundary.")]
SloTarget: TypeAlias = Annotated[
    float | None, _option("slo_target", "SHARE", "The share of starts within it, e.g. 0.999.")
]
FailureRatio: TypeAlias = Annotated[
    float | None, _option("failure_ratio", "SHARE", "The share of attempts that may fail.")
]
RetryRatio: TypeAlias = Annotated[float | None, _option("retry_ratio", "N", "Retries allowed for each completion.")]
MinAttempts: TypeAlias = Annotated[int | None, _option("min_attempts", "N", "Below so many, a share says nothing.")]
Collapse: TypeAlias = Annotated[
    float | None, _option("collapse", "SHARE", "The share of its usual pace that a type must keep.")
]
DlqGrowth: TypeAlias = Annotated[int | None, _option("dlq_growth", "N", "Dead letters in an hour that are too many.")]
DlqUnattended: TypeAlias = Annotated[
    str | None, _option("dlq_unattended", "TIME", "How long dead letters may get no fewer.")
]
Losses: TypeAlias = Annotated[
    int | None, _option("losses", "N", "Attempts lost with workers in 15m that are too many.")
]
Hung: TypeAlias = Annotated[str | None, _option("hung", "TIME", "How long an attempt may run, whatever its timeout.")]
Stale: TypeAlias = Annotated[str | None, _option("stale", "TIME", "How old the metrics may be.")]


def thresholds_of(given: Mapping[str, str | float | None]) -> Thresholds:
    """The defaults, with what was given in their place.

    Args:
        given: by attribute of :class:`~jobledger._core.thresholds.Thresholds`; times as texts.

    Raises:
        InvalidOption: a time is none.
    """
    values: dict[str, Any] = {
        name: seconds_of(value, option(name)) if isinstance(value, str) else value
        for name, value in given.items()
        if value is not None
    }
    return Thresholds(**values)
