"""The shipped rules for stories that are told faster: every length of time is divided by one number.

With 60 a minute lasts a second: ``for: 5m`` becomes ``5s``, ``[1h]`` becomes ``[1m]``, and a job that may wait for 300
seconds may wait for 5. Nothing else changes: numbers of jobs, shares and the shape of the expressions stay.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec.structs import replace

from jobledger._core.alerts import ALERTS, Alert
from jobledger._core.thresholds import DEFAULTS, TIMES, span
from jobledger._metrics.alerts import Rendering, rule_file
from jobledger._metrics.rule_file import yaml_text
from jobledger.cli.export.spans import seconds_of

if TYPE_CHECKING:
    from collections.abc import Iterable

_TIME = re.compile(rf"{{at\.({'|'.join(sorted(TIMES))})(\.text)?}}")
_LENGTH = re.compile(r"(?<![\w.{])[1-9]\d*[dhms](?![\w}])")


def scaled(factor: int, alerts: Iterable[Alert] = ALERTS) -> str:
    """A rule file.

    Args:
        factor: 1 renders what is shipped; 30 s divided by it must be a boundary of the histograms.
        alerts: those that are wanted.
    """
    thresholds = replace(DEFAULTS, slo_wait=DEFAULTS.slo_wait / factor)
    faster = [replace(one, expr=_divided(one.expr, factor), lasting=_divided(one.lasting, factor)) for one in alerts]
    return yaml_text(rule_file(faster, Rendering(thresholds=thresholds)))


def _divided(template: str, factor: int) -> str:
    """A template whose lengths of time are shorter: those that are written out, and those of thresholds."""

    def threshold(found: re.Match[str]) -> str:
        value = getattr(DEFAULTS, found[1]) / factor
        return span(value) if found[2] else f"{value:.10g}"

    shorter = _LENGTH.sub(lambda found: span(seconds_of(found[0], "a length") / factor), template)
    return _TIME.sub(threshold, shorter)
