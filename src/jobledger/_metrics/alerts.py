"""The alerts as Prometheus rules, rendered from the core's templates and the catalog."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

import msgspec

from jobledger._core.alerts import ALERTS, PREFIX, Alert
from jobledger._core.catalog import BOUNDARIES, CATALOG
from jobledger._core.thresholds import DEFAULTS, FAST_BURN, SLOW_BURN, Thresholds, checked, span, unspanned
from jobledger._metrics.humanized import Humanized
from jobledger._metrics.selector import Matcher, Selector
from jobledger._metrics.text import number
from jobledger.errors import InvalidOption

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

RUNBOOKS: Final = "docs/runbooks"
STORE_LABELS: Final = ("job",)
_NAME: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)
_VALUE: Final = re.compile(r"{{ \$value [^}]*}}")
_NOT_A_STORES: Final = frozenset({"type", "priority", "status", "state", "le", "alertname", "severity", "instance"})


class Rule(msgspec.Struct, frozen=True, rename={"lasting": "for"}):
    """One alerting rule, as Prometheus reads it."""

    alert: str
    expr: str
    lasting: str
    labels: dict[str, str]
    annotations: dict[str, str]


class RuleGroup(msgspec.Struct, frozen=True):
    """Rules that Prometheus evaluates one after the other."""

    name: str
    rules: tuple[Rule, ...]


class RuleFile(msgspec.Struct, frozen=True):
    """What a rule file holds."""

    groups: tuple[RuleGroup, ...]


class Rendering(msgspec.Struct, frozen=True, kw_only=True):
    """How the alerts are to be rendered.

    Attributes:
        thresholds: what they compare with.
        ladder: the boundaries of the store's histograms, in seconds.
        store_labels: the labels by which the scraper tells one store from another.
        matchers: conditions on the series.
        labels: to be put on every alert.
        runbooks: where the pages are: a URL or a path.
    """

    thresholds: Thresholds = DEFAULTS
    ladder: tuple[float, ...] = BOUNDARIES
    store_labels: tuple[str, ...] = STORE_LABELS
    matchers: tuple[Matcher, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    runbooks: str = RUNBOOKS


def rule_file(alerts: Iterable[Alert] = ALERTS, rendering: Rendering = Rendering()) -> RuleFile:  # noqa: B008 - frozen
    """The alerts as rules, in their groups.

    Args:
        alerts: those that are wanted; in the order of :data:`~jobledger._core.alerts.ALERTS`.
        rendering: thresholds and labels.

    Raises:
        InvalidOption: a threshold is out of its range, the wait of the objective is no boundary, or a label cannot be.

    Example:
        >>> from jobledger._core.alerts import DLQ_GROWING
        >>> rule_file([DLQ_GROWING]).groups[0].rules[0].expr
        'sum by (job, type) (increase(jobs_dead_lettered_total[1h])) >= 1'
    """
    _check(rendering)
    fields = _fields(rendering)
    groups: dict[str, list[Rule]] = {}
    for alert in alerts:
        groups.setdefault(alert.group, []).append(_rule(alert, rendering, fields))
    return RuleFile(tuple(RuleGroup(f"jobledger-{name}", tuple(rules)) for name, rules in groups.items()))


def chosen(only: Iterable[str] = (), without: Iterable[str] = ()) -> tuple[Alert, ...]:
    """The alerts with these names, or all but some.

    Args:
        only: names, with or without ``Jobledger`` before them; none means all.
        without: names of those to be left out.

    Raises:
        InvalidOption: a name is unknown (says which is near), or nothing is left.
    """
    wanted = frozenset(map(_named, only)) or frozenset(ALERTS)
    left = wanted.difference(map(_named, without))
    if not left:
        raise InvalidOption("no alert is left: --without names all that --only asks for")
    return tuple(alert for alert in ALERTS if alert in left)


def told(alert: Alert) -> str:
    """What an alert says with the default thresholds, with … for a value; for people who read about it.

    Example:
        >>> from jobledger._core.alerts import DLQ_GROWING
        >>> told(DLQ_GROWING)
        'TYPE: … dead letter(s) within an hour'
    """
    text = alert.summary.format_map(_fields(Rendering()) | {"type": "TYPE", "store": "STORE"})
    return _VALUE.sub("…", text)


def summary(alert: Alert, value: float, *, of: str, thresholds: Thresholds = DEFAULTS) -> str:
    """What an alert says of a value that its expression gave.

    Args:
        alert: which.
        value: as the expression gives it.
        of: the type, or the name of the store, that it is about.
        thresholds: what it compared with.

    Example:
        >>> from jobledger._core.alerts import DLQ_GROWING
        >>> summary(DLQ_GROWING, 3, of="email.send")
        'email.send: 3 dead letter(s) within an hour'
    """
    return alert.summary.format_map({"type": of, "store": of, "value": Humanized(value), "at": _At(thresholds)})


def lasting(alert: Alert, thresholds: Thresholds = DEFAULTS) -> float:
    """For how many seconds an alert's condition must hold before it fires.

    Example:
        >>> from jobledger._core.alerts import NO_WORKER_FOR_TYPE
        >>> lasting(NO_WORKER_FOR_TYPE)
        120.0
    """
    return unspanned(alert.lasting.format_map({"at": _At(thresholds)}))


def _named(name: str) -> Alert:
    by_name = {alert.name: alert for alert in ALERTS}
    full = name if name.startswith(PREFIX) else PREFIX + name
    if full not in by_name:
        near = get_close_matches(full, by_name, n=3) or sorted(by_name)
        raise InvalidOption(f"there is no alert {name!r}: use {', '.join(near)}")
    return by_name[full]


def _check(rendering: Rendering) -> None:
    checked(rendering.thresholds, rendering.ladder)
    for name in (*rendering.store_labels, *(name for name, _ in rendering.labels)):
        if not _NAME.fullmatch(name) or name.startswith("__"):
            raise InvalidOption(f"{name!r} can't be a label: use letters, digits and _, no digit or __ first")
    for name in rendering.store_labels:
        if name in _NOT_A_STORES:
            raise InvalidOption(f"--by {name} does not tell one store from another: use job, namespace or the like")
    for name, value in rendering.labels:
        if name in {*rendering.store_labels, "type", "alertname", "severity"}:
            raise InvalidOption(f"--label {name}: the alerts have this label already; choose another name")
        if "{{" in value:
            raise InvalidOption(f"--label {name}: Prometheus takes {{{{ for a template; leave it out of {value!r}")
    for text in (
        rendering.runbooks,
        *(one.value for one in rendering.matchers),
        *(value for _, value in rendering.labels),
    ):
        if not text.isprintable():
            raise InvalidOption(f"{text!r} has characters that can't be printed: leave them out")


def _rule(alert: Alert, rendering: Rendering, fields: Mapping[str, object]) -> Rule:
    return Rule(
        alert.name,
        alert.expr.format_map(fields),
        alert.lasting.format_map(fields),
        {"severity": alert.severity, **dict(rendering.labels)},
        {
            "summary": alert.summary.format_map(fields),
            "description": alert.description.format_map(fields),
            "runbook_url": f"{rendering.runbooks.rstrip('/')}/{alert.runbook}",
        },
    )


def _fields(rendering: Rendering) -> dict[str, object]:
    """What the templates may name."""
    within = number(float(rendering.thresholds.slo_wait))
    store = "/".join(map(_label, rendering.store_labels)) or "the store"
    return {
        **{one.attribute: Selector(one, rendering.matchers, within) for one in CATALOG},
        "at": _At(rendering.thresholds),
        "by_store": f"by ({', '.join(rendering.store_labels)})",
        "by_type": f"by ({', '.join((*rendering.store_labels, 'type'))})",
        "store": store,
        "type": _label("type"),
        "value": _Value,
    }


def _label(name: str) -> str:
    return f"{{{{ $labels.{name} }}}}"


class _Value:
    """What an expression gave, as Prometheus writes it into a text."""

    time = "{{ $value | humanizeDuration }}"
    percent = "{{ $value | humanizePercentage }}"
    count = '{{ $value | printf "%.0f" }}'


class _At:
    """The thresholds."""

    def __init__(self, thresholds: Thresholds) -> None:
        budget = 1 - thresholds.slo_target
        self.fast_burn = _Threshold(FAST_BURN * budget)
        self.slow_burn = _Threshold(SLOW_BURN * budget)
        self._thresholds = thresholds

    def __getattr__(self, name: str) -> _Threshold:
        return _Threshold(getattr(self._thresholds, name))


class _Threshold:
    """A number for an expression, and what it is for people."""

    def __init__(self, value: float) -> None:
        self._value = value

    def __str__(self) -> str:
        return f"{self._value:.10g}"

    @property
    def text(self) -> str:
        return span(self._value)

    @property
    def percent(self) -> str:
        return f"{self._value * 100:.10g}%"
