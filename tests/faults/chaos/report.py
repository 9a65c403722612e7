"""A verdict as a table, and as JSON."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, Any

import apsw
import msgspec

from jobledger._core import catalog

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.chaos.verdict import Verdict

SHOWN = (
    catalog.ENQUEUED,
    catalog.COMPLETIONS,
    catalog.FAILURES,
    catalog.RETRIES,
    catalog.DEAD_LETTERED,
    catalog.CANCELLATIONS,
    catalog.LOST,
    catalog.RELEASED,
    catalog.REPLAYED,
    catalog.DISCARDED,
)


def table(verdict: Verdict) -> str:
    """What is printed."""
    settings = verdict.settings
    head = (
        f"chaos: seed {settings.seed}, {settings.workers} workers with {settings.slots} slots and {settings.threads} "
        f"threads, {' and '.join(settings.signals)} every {settings.every:g} s for {settings.seconds:g} s"
    )
    width = max(len(name) for name, _ in _rows(verdict))
    lines = [head, *(f"  {name:<{width}}  {value}" for name, value in _rows(verdict)), "", *_counters(verdict), ""]
    return "\n".join([*lines, *(verdict.told or ["everything holds"])])


def _rows(verdict: Verdict) -> Iterator[tuple[str, str]]:
    acknowledged, losses = verdict.acknowledged, verdict.losses
    kills = [hit for hit in losses.hits if hit.signal.signal == "kill"]
    stops = [hit for hit in losses.hits if hit.signal.signal == "stop"]
    submitters = sum(one.role == "submitter" for one in verdict.signals)
    locked = sum(bool(one.locked) for one in verdict.signals if one.signal == "kill")
    hits = sorted(hit.attempts for hit in losses.hits)
    yield "jobs", f"{verdict.jobs:,} in the books, {acknowledged.jobs:,} acknowledged one by one or in batches"
    yield "submits without an answer", f"{len(acknowledged.indeterminate)}, of them applied {len(acknowledged.applied)}"
    yield "answered as duplicates", f"{acknowledged.duplicates:,}"
    yield "attempts", f"{len(verdict.attempts.all):,}"
    yield "signals", f"{len(kills)} kills and {len(stops)} stops of workers, {submitters} kills of the submitter"
    yield "kills inside a write transaction", f"{locked}"
    if hits:
        spread = f"per signal {hits[0]} to {hits[-1]}, median {hits[len(hits) // 2]}"
        yield "signals that hit attempts", f"{sum(one > 0 for one in hits)} of {len(hits)} ({spread})"
    yield (
        "attempts lost",
        (
            f"{len(losses.lost):,}: {sum(hit.running for hit in losses.hits)} running, "
            f"{sum(hit.unsettled for hit in losses.hits)} ended but not settled, "
            f"{sum(hit.claimed for hit in losses.hits)} claimed but not begun"
        ),
    )
    yield "jobs that ran to the end twice", f"{len(losses.twice)}, each because a settlement was not committed"
    yield "dead-lettered by losses", f"{losses.dead}"
    if stops:
        yield "attempts that ran on as zombies", f"{sum(hit.zombies for hit in losses.hits)}, all refused"
        yield "overlaps in zombie windows", f"{verdict.order.in_zombie_windows}"
    yield "audits", f"{verdict.audits}"
    yield "drained after", "never" if verdict.drained is None else f"{verdict.drained:.1f} s"
    yield "requests", ", ".join(f"{name} {count}" for name, count in sorted(verdict.requests.answers.items()))


def _counters(verdict: Verdict) -> Iterator[str]:
    yield f"  {'counter':<16}{'books':>10}{'seen':>10}"
    for instrument in SHOWN:
        counted, seen = verdict.counters.total(instrument.attribute)
        yield f"  {instrument.attribute:<16}{counted:>10,}{seen:>10,}{'' if counted == seen else '  NOT EQUAL'}"


def data(verdict: Verdict) -> dict[str, Any]:
    """All of it."""
    return {
        "machine": {"python": platform.python_version(), "sqlite": apsw.sqlite_lib_version()},
        "settings": msgspec.to_builtins(verdict.settings),
        "sound": verdict.sound,
        "findings": msgspec.to_builtins(verdict.findings),
        "figures": dict(_rows(verdict)),
        "hits": msgspec.to_builtins(verdict.losses.hits),
        "counters": msgspec.to_builtins(verdict.counters.all),
    }
