"""The dashboard as data: six rows, from "is it healthy" to "can I trust these numbers"."""

from __future__ import annotations

from typing import Final

from jobledger._core import alerts
from jobledger._core.panel import (
    Panel,
    Query,
    Row,
    age,
    by_type,
    increase,
    lines,
    now,
    of_store,
    quantile,
    quantiles,
    rate,
    summed,
)

_GOOD_BELOW_ONE: Final = ((None, "green"), (1.0, "red"))
_TEN_MINUTES: Final = "10m"
_STARTS: Final = "sum by (type) (increase({wait_duration.%s}[$__range]))"
"""Over targets, too: a share stays what it is, and of a long time each may have seen another part."""
_DAY_AGO: Final = summed("{dlq_size} offset 1d", "type")

HEALTHY: Final = Row("Is it healthy?", (
    Panel(
        title="Oldest ready job", unit="seconds", width=12,
        queries=by_type(f"{age('oldest_ready')} or {now('queue_depth', 'type')} * 0"),
        note="How long the job has waited that only lacks a free slot; 0 if none does. It tells more than the depth.",
        alerts=(alerts.OLDEST_READY_JOB_TOO_OLD, alerts.WORKERS_STALLED),
    ),
    Panel(
        title="Wait for a worker, and the objective", unit="seconds", width=12,
        queries=(*quantiles("wait_duration"), Query(expr="vector($slo_wait)", legend="objective")),
        alerts=(alerts.WAIT_SLO_FAST_BURN, alerts.WAIT_SLO_SLOW_BURN),
    ),
    Panel(
        title="Error budget left, over the time shown", shape="number", unit="share",
        queries=by_type(f"1 - (1 - {_STARTS % 'within'} / ({_STARTS % 'count'} > 0)) / (1 - $slo_target)"),
        note="The objective is that the share $slo_target of the starts waits at most $slo_wait seconds. 0 % means "
        "that all late starts that it allows have happened. For a budget of 30 days show 30 days.",
        alerts=(alerts.WAIT_SLO_FAST_BURN, alerts.WAIT_SLO_SLOW_BURN),
        levels=((None, "red"), (0.0, "orange"), (0.25, "green")), empty="no starts, or no such boundary",
    ),
    Panel(
        title="Dead letters", queries=by_type(now("dlq_size", "type")),
        alerts=(alerts.DLQ_GROWING, alerts.DLQ_NOT_FALLING),
    ),
    Panel(
        title="Dead letters, change in 24 hours", shape="number",
        queries=by_type(f"{now('dlq_size', 'type')} - ({_DAY_AGO} or {now('dlq_size', 'type')} * 0)"),
        note="Below zero: more were replayed or discarded than came.",
        alerts=(alerts.DLQ_GROWING, alerts.DLQ_NOT_FALLING), levels=_GOOD_BELOW_ONE,
    ),
))  # fmt: skip

_OWN_FAILURES: Final = f"({rate('failures', 'type')} - {rate('lost', 'type')})"

FLOW: Final = Row("Flow", (
    Panel(
        title="Jobs in and out", unit="per second", width=12,
        queries=lines([
            ("enqueued", rate("enqueued")),
            ("replayed", rate("replayed")),
            ("completed", rate("completions")),
            ("cancelled", rate("cancellations")),
            ("dead-lettered", rate("dead_lettered")),
        ]),
        note="In: enqueued and replayed. Out: the other three.",
    ),
    Panel(
        title="Attempts that went wrong", unit="per second", width=12,
        queries=lines([
            ("failed, lost ones included", rate("failures")),
            ("put back", rate("retries")),
            ("dead-lettered", rate("dead_lettered")),
        ]),
        alerts=(alerts.RETRY_STORM, alerts.DLQ_GROWING),
    ),
    Panel(
        title="Completions", unit="per second", queries=by_type(rate("completions", "type")),
        alerts=(alerts.THROUGHPUT_COLLAPSED, alerts.WORKERS_STALLED),
    ),
    Panel(
        title="Share of attempts that fail", unit="share",
        queries=by_type(f"{_OWN_FAILURES} / ({_OWN_FAILURES} + {rate('completions', 'type')} > 0)"),
        note="Without those that were lost with a worker. A gap: no attempt ended.",
        alerts=(alerts.FAILURE_RATIO_HIGH, alerts.RETRY_STORM),
    ),
    Panel(
        title="Rare endings and refusals", unit="per second",
        queries=(
            *lines([("deduplicated", rate("deduplicated")), ("discarded", rate("discarded"))]),
            Query(expr=rate("pruned", "status"), legend="pruned, {{status}}"),
        ),
    ),
    Panel(
        title="Backlog", shape="stack", queries=by_type(now("queue_depth", "type")),
        alerts=(alerts.NO_WORKER_FOR_TYPE, alerts.THROUGHPUT_COLLAPSED),
    ),
    Panel(
        title="Slope of the backlog", unit="per second",
        queries=by_type(summed(f"deriv({{queue_depth}}[{_TEN_MINUTES}])", "type")),
        note="Over ten minutes. Above zero: more becomes due than is started.",
    ),
    Panel(
        title="Time to drain", unit="seconds",
        queries=by_type(f"{now('queue_depth', 'type')} / ({rate('completions', 'type', window=_TEN_MINUTES)} > 0)"),
        note="The backlog over the completions of ten minutes, as if nothing came any more. A gap: nothing completes.",
    ),
    Panel(
        title="Jobs by state", shape="stack", width=24,
        queries=lines([
            ("due", now("queue_depth")),
            ("scheduled", now("scheduled")),
            ("running", now("running")),
        ]),
    ),
))  # fmt: skip


def _heat(attribute: str) -> tuple[Query, ...]:
    return (Query(expr=increase(f"{attribute}.bucket", "le"), legend="{{le}}", exemplars=True),)


TIME: Final = Row("Time", (
    Panel(title="Wait for a worker", shape="heatmap", unit="seconds", width=12, queries=_heat("wait_duration")),
    Panel(title="Execution", shape="heatmap", unit="seconds", width=12, queries=_heat("processing_seconds")),
    Panel(
        title="Wait for a worker by priority, p95", unit="seconds",
        queries=(Query(expr=quantile(0.95, "wait_duration", "priority"), legend="{{priority}}", exemplars=True),),
        note="All priorities get their share of the slots, 4 : 3 : 2 : 1. One that waits ever longer gets too much.",
    ),
    Panel(
        title="Execution by type, p95", unit="seconds",
        queries=(Query(expr=quantile(0.95, "processing_seconds", "type"), legend="{{type}}", exemplars=True),),
    ),
    Panel(title="From submit to end", unit="seconds", queries=quantiles("duration")),
))  # fmt: skip

_SLOTS: Final = of_store("{worker_slots}")

CAPACITY: Final = Row("Capacity", (
    Panel(
        title="Slots", shape="stack", queries=(Query(expr=now("worker_slots", "state"), legend="{{state}}"),),
        alerts=(alerts.WORKERS_SATURATED,),
    ),
    Panel(
        title="Slots in use", unit="share",
        queries=lines([("in use", f"{now('worker_slots.used')} / (sum ({_SLOTS}) > 0)")]),
        note="Near 100 %, and jobs wait: more slots, or more workers. A gap: no worker lives.",
        alerts=(alerts.WORKERS_SATURATED,),
    ),
    Panel(title="Live workers", queries=lines([("workers", now("workers"))])),
    Panel(title="Running jobs", shape="stack", queries=by_type(now("running", "type"))),
    Panel(
        title="Longest-running attempt", unit="seconds",
        queries=by_type(f"{age('oldest_running')} or {now('running', 'type')} * 0"), note="0 if none runs.",
        alerts=(alerts.HUNG_JOB,),
    ),
    Panel(
        title="Attempts beyond their timeout", queries=by_type(now("overdue", "type")), alerts=(alerts.HUNG_JOB,)
    ),
    Panel(
        title="Jobs that no live worker handles", queries=by_type(now("unhandled", "type")),
        alerts=(alerts.NO_WORKER_FOR_TYPE,),
    ),
    Panel(
        title="Attempts put back with their worker", unit="per second",
        queries=lines([("lost", rate("lost")), ("released", rate("released"))]),
        note="Lost: the worker died, or its lease ran out. Released: it was told to stop.",
        alerts=(alerts.WORKER_LOSSES,),
    ),
    Panel(
        title="Since the last completion", unit="seconds", queries=by_type(age("last_completed")),
        alerts=(alerts.WORKERS_STALLED,),
    ),
))  # fmt: skip

ENTITIES: Final = Row("Entities", (
    Panel(
        title="Parked behind another job of their entity", shape="stack", width=12,
        queries=by_type(now("parked", "type")),
        note="More workers do not help these: an entity runs one job at a time.",
        alerts=(alerts.OLDEST_PARKED_JOB_TOO_OLD,),
    ),
    Panel(
        title="Oldest parked job", unit="seconds", width=12,
        queries=by_type(f"{age('oldest_parked')} or {now('parked', 'type')} * 0"), note="0 if none is parked.",
        alerts=(alerts.OLDEST_PARKED_JOB_TOO_OLD,),
    ),
    Panel(
        title="Mailboxes", width=12,
        queries=lines([
            ("entities with a job", now("entities_active")),
            ("parked in the deepest mailbox", f"max ({of_store('{mailbox_deepest}')})"),
        ]),
        note="*Age of the samples* tells when these were taken.",
    ),
    Panel(
        title="Wait behind the own entity by type, p95", unit="seconds", width=12,
        queries=by_type(quantile(0.95, "mailbox_wait", "type")),
        note="Of those that became the first of their entity; *Oldest parked job* is about those that have not yet.",
    ),
))  # fmt: skip

_WHERE_A_STORE_IS: Final = '{{job=~"$job"}} and on (job, instance) {ledger_as_of}'


def _of_targets(expr: str) -> tuple[Query, ...]:
    return (Query(expr=f"max by (job, instance) ({expr})", legend="{{job}} {{instance}}"),)


_COMMITS: Final = "rate({process.commit_seconds}[$__rate_interval]) / (rate({process.batches}[$__rate_interval]) > 0)"

TRUST: Final = Row("Can I trust these numbers?", (
    Panel(
        title="Age of the metrics", unit="seconds",
        queries=(Query(expr=f"time() - {of_store('max_over_time({ledger_as_of}[1d])')}", legend="{{job}}"),),
        note="Above some scrape intervals Prometheus sees old numbers, or none: its target is down.",
        alerts=(alerts.BOOKS_STALE,),
    ),
    Panel(
        title="Age of the samples", unit="seconds",
        queries=(Query(expr=of_store("{ledger_as_of} - {sampled_at}"), legend="{{job}}"),),
        note="Only workers sample.",
    ),
    Panel(
        title="Findings of the last audit", shape="number", width=4,
        queries=(Query(expr=of_store("{ledger_imbalance}"), legend="{{job}}"),),
        alerts=(alerts.BOOKS_OUT_OF_BALANCE,), levels=_GOOD_BELOW_ONE, empty="no audit yet",
    ),
    Panel(
        title="Targets of the store", shape="number", width=4,
        queries=(Query(expr="count {per_store} ({ledger_as_of})", legend="{{job}}"),),
        note="This dashboard counts nothing twice if there are several, but other queries may. If these are two stores "
        "under one job, tell them apart by another label, such as a namespace.",
        alerts=(alerts.STORE_SCRAPED_TWICE,), levels=((None, "green"), (2.0, "orange")),
    ),
    Panel(
        title="Refused results of lost attempts", unit="per second",
        queries=by_type(rate("stale_settlements", "type")), alerts=(alerts.STALE_SETTLEMENTS,),
    ),
    Panel(
        title="Types and own metrics beyond their budget", shape="number",
        queries=lines([("share the label __other__", now("series_overflowed"))]),
        alerts=(alerts.SERIES_OVERFLOW,), levels=_GOOD_BELOW_ONE,
    ),
    Panel(title="Ledger rows to be folded", queries=lines([("rows", now("ledger_unfolded"))])),
    Panel(
        title="Time of a scrape", unit="seconds", queries=_of_targets("scrape_duration_seconds" + _WHERE_A_STORE_IS),
        note="As Prometheus measures it.",
    ),
    Panel(
        title="Series of a scrape, of the most that there can be", unit="share",
        queries=_of_targets(f"(scrape_samples_scraped{_WHERE_A_STORE_IS}) / {{most_series}}"),
        note="The budgets of labels keep it below 100 %, if nothing else is served with the metrics.",
    ),
    Panel(
        title="Commits of the scraped process", unit="seconds", queries=_of_targets(_COMMITS),
        note="Their mean time. A gap: this process commits nothing, as `jobledger serve` never does.",
    ),
    Panel(
        title="Event loop lag of the scraped process", unit="seconds", width=12,
        queries=_of_targets("{process.loop_lag}"),
    ),
    Panel(
        title="Memory of the scraped process", unit="bytes", width=12,
        queries=_of_targets("{process.resident_memory}"),
    ),
))  # fmt: skip

ROWS: Final = (HEALTHY, FLOW, TIME, CAPACITY, ENTITIES, TRUST)
"""The whole dashboard, from the top."""
