"""The rules of the shipped alerts, asked of the store: each is the twin of an expression in the core's alerts.

A rule gives the value that the alert would show, or None where it does not hold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from jobledger._core import alerts, catalog
from jobledger._core.thresholds import FAST_BURN, HOUR, MINUTE, SLOW_BURN
from jobledger._metrics.overview.point import Window

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jobledger._core.alerts import Alert
    from jobledger._core.thresholds import Thresholds
    from jobledger._metrics.overview.evidence import Evidence

    OfType: TypeAlias = Callable[[Evidence, Thresholds, str], float | None]
    OfStore: TypeAlias = Callable[[Evidence, Thresholds], float | None]

_COLLAPSE_WINDOW: Final = 5 * MINUTE
_OUTCOME_WINDOW: Final = 10 * MINUTE
_LOSS_WINDOW: Final = 15 * MINUTE
_LOOK: Final = 5 * MINUTE
"""Between two looks at a past in which something may have been different for a while."""


def oldest_ready_job_too_old(seen: Evidence, at: Thresholds, label: str) -> float | None:
    """The oldest ready job of a type."""
    return _above(seen.ready_for(label), at.oldest_ready)


def oldest_parked_job_too_old(seen: Evidence, at: Thresholds, label: str) -> float | None:
    """The oldest job of a type that waits behind others of its entity."""
    return _above(seen.parked_for(label), at.oldest_parked)


def workers_stalled(seen: Evidence, at: Thresholds, label: str) -> float | None:
    """A job is ready, and nothing starts or completes."""
    waited = _above(seen.ready_for(label), at.stalled)
    if waited is None or seen.is_unhandled(label):
        return None
    window = seen.window(at.stalled)
    return None if window.grown(catalog.WAIT, label) or window.grown(catalog.COMPLETIONS, label) else waited


def no_worker_for_type(seen: Evidence, _: Thresholds, label: str) -> float | None:
    """Jobs are due, and nobody handles them."""
    if not seen.unhandled(label):
        return None
    if seen.is_past and seen.ready_for(label) is not None:
        return 1.0  # what is ready now was so then
    return seen.number(catalog.QUEUE_DEPTH, label) or None


def throughput_collapsed(seen: Evidence, at: Thresholds, label: str) -> float | None:
    """Hardly anything completes any more."""
    if not seen.number(catalog.QUEUE_DEPTH, label) or seen.is_unhandled(label):
        return None
    usual = seen.window(HOUR, offset=_COLLAPSE_WINDOW).grown(catalog.COMPLETIONS, label) * _COLLAPSE_WINDOW / HOUR
    now = seen.window(_COLLAPSE_WINDOW).grown(catalog.COMPLETIONS, label)
    return float(now) if usual >= at.min_attempts and now < at.collapse * usual else None


def wait_slo_fast_burn(seen: Evidence, at: Thresholds, label: str) -> float | None:
    """An hour's starts were too late, and so are the last ones."""
    return _burn(seen, at, label, (HOUR, 5 * MINUTE), FAST_BURN)


def wait_slo_slow_burn(seen: Evidence, at: Thresholds, label: str) -> float | None:
    """Those of six hours were, and so are the last ones."""
    return _burn(seen, at, label, (6 * HOUR, 30 * MINUTE), SLOW_BURN)


def failure_ratio_high(seen: Evidence, at: Thresholds, label: str) -> float | None:
    """Too many of the attempts fail."""
    failed, _, completed = _outcomes(seen, label)
    ended = failed + completed
    return _above(failed / ended, at.failure_ratio) if ended >= at.min_attempts else None


def retry_storm(seen: Evidence, at: Thresholds, label: str) -> float | None:
    """More is put back than done."""
    _, retried, completed = _outcomes(seen, label)
    return float(retried) if retried >= at.min_attempts and retried > at.retry_ratio * completed else None


def dlq_growing(seen: Evidence, at: Thresholds, label: str) -> float | None:
    """Jobs fail for good."""
    return _reached(seen.window(HOUR).grown(catalog.DEAD_LETTERED, label), at.dlq_growth)


def dlq_not_falling(seen: Evidence, at: Thresholds, label: str) -> float | None:
    """Nobody cares for the dead letters."""
    size = seen.number(catalog.DLQ_SIZE, label)
    before = seen.earlier(at.dlq_unattended) if size else None
    if before is None or not 0 < before.number(catalog.DLQ_SIZE, label) <= size:
        return None
    came = Window(before, seen.totals).grown(catalog.DEAD_LETTERED, label)
    left = before.number(catalog.DLQ_SIZE, label) + came - size
    may_have_been_empty = left >= before.number(catalog.DLQ_SIZE, label)
    return None if may_have_been_empty and _was_empty(seen, at, label) else float(size)


def hung_job(seen: Evidence, at: Thresholds, label: str) -> float | None:
    """An attempt does not end."""
    hung = _above(seen.running_for(label), at.hung)
    return hung if hung is not None else seen.overdue(label) or None


def worker_losses(seen: Evidence, at: Thresholds, label: str) -> float | None:
    """Workers die."""
    return _reached(seen.window(_LOSS_WINDOW).grown(catalog.LOST, label), at.losses)


def stale_settlements(seen: Evidence, _: Thresholds, label: str) -> float | None:
    """A worker went on with what it had lost."""
    return _reached(seen.window(HOUR).grown(catalog.STALE, label), 1)


def workers_saturated(seen: Evidence, at: Thresholds, label: str) -> float | None:
    """There are too few slots: jobs run, and others wait all the same."""
    waited = _above(seen.ready_for(label), at.slo_wait)
    if waited is None or seen.is_unhandled(label):
        return None
    window = seen.window(_OUTCOME_WINDOW)
    return waited if window.grown(catalog.WAIT, label) or window.grown(catalog.COMPLETIONS, label) else None


def books_out_of_balance(seen: Evidence, _: Thresholds) -> float | None:
    """The last audit by a worker found something."""
    return seen.read(catalog.IMBALANCE) or None


def series_overflow(seen: Evidence, _: Thresholds) -> float | None:
    """Types, or metrics of one's own, share a label."""
    return seen.read(catalog.SERIES_OVERFLOWED) or None


OF_TYPE: Final[Mapping[Alert, OfType]] = {
    alerts.OLDEST_READY_JOB_TOO_OLD: oldest_ready_job_too_old,
    alerts.OLDEST_PARKED_JOB_TOO_OLD: oldest_parked_job_too_old,
    alerts.WORKERS_STALLED: workers_stalled,
    alerts.NO_WORKER_FOR_TYPE: no_worker_for_type,
    alerts.THROUGHPUT_COLLAPSED: throughput_collapsed,
    alerts.WAIT_SLO_FAST_BURN: wait_slo_fast_burn,
    alerts.WAIT_SLO_SLOW_BURN: wait_slo_slow_burn,
    alerts.FAILURE_RATIO_HIGH: failure_ratio_high,
    alerts.RETRY_STORM: retry_storm,
    alerts.DLQ_GROWING: dlq_growing,
    alerts.DLQ_NOT_FALLING: dlq_not_falling,
    alerts.HUNG_JOB: hung_job,
    alerts.WORKER_LOSSES: worker_losses,
    alerts.STALE_SETTLEMENTS: stale_settlements,
    alerts.WORKERS_SATURATED: workers_saturated,
}
"""Asked of each type."""
OF_STORE: Final[Mapping[Alert, OfStore]] = {
    alerts.BOOKS_OUT_OF_BALANCE: books_out_of_balance,
    alerts.SERIES_OVERFLOW: series_overflow,
}
"""Asked of the whole store."""
NOT_HERE: Final[Mapping[Alert, str]] = {
    alerts.BOOKS_STALE: "only Prometheus can tell that it gets no new metrics",
    alerts.STORE_SCRAPED_TWICE: "only Prometheus knows how many targets it scrapes",
}
"""What can't be asked of a store, and why."""


def _burn(seen: Evidence, at: Thresholds, label: str, lengths: tuple[float, float], speed: float) -> float | None:
    waits = [seen.window(length).histogram(catalog.WAIT, label) for length in lengths]
    late = [1 - one.within(at.slo_wait) / one.count for one in waits if one.count]
    burns = len(late) == len(lengths) and min(late) > speed * (1 - at.slo_target)
    return late[0] if burns and waits[0].count >= at.min_attempts else None


def _was_empty(seen: Evidence, at: Thresholds, label: str) -> bool:
    looks = (seen.first_since(number * _LOOK) for number in range(int(at.dlq_unattended / _LOOK)))
    return any(look is not None and not look.number(catalog.DLQ_SIZE, label) for look in looks)


def _outcomes(seen: Evidence, label: str) -> tuple[int, int, int]:
    """Attempts that failed and that were put back, lost ones aside, and completions."""
    window = seen.window(_OUTCOME_WINDOW)
    failed, retried, lost, completed = (
        window.grown(one, label) for one in (catalog.FAILURES, catalog.RETRIES, catalog.LOST, catalog.COMPLETIONS)
    )
    return failed - lost, retried - lost, completed


def _above(value: float | None, bound: float) -> float | None:
    return value if value is not None and value > bound else None


def _reached(value: float, bound: float) -> float | None:
    return float(value) if value >= bound else None
