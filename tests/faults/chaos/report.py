"""A verdict as a table, and as JSON."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, Any

import apsw
import msgspec

from jobledger._core import catalog
from tests.faults.chaos.bars import bars

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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
        f"chaos on {_store(verdict)}: seed {settings.seed}, {settings.workers} workers with {settings.slots} slots and "
        f"{settings.threads} threads, lease {settings.lease:g} s; {', '.join(settings.faults)}; a kill every "
        f"{settings.every:g} s"
    )
    lines = [head, *_bars([verdict]), "", *_figures(verdict), "", *_counters(verdict), ""]
    return "\n".join([*lines, *(verdict.told or ["everything holds"])])


def compared(verdicts: Sequence[Verdict]) -> str:
    """Several runs beside each other."""
    return "\n".join(_bars(verdicts))


def _bars(verdicts: Sequence[Verdict]) -> Iterator[str]:
    rows = [*zip(*map(bars, verdicts), strict=True)]
    width = max(len(row[0].name) for row in rows)
    yield f"  {'':<{width}}" + "".join(f"{_store(one):>14}" for one in verdicts) + "  at most"
    for row in rows:
        most = "" if row[0].most is None else str(row[0].most)
        missed = "  MISSED" if any(one.is_missed for one in row) else ""
        why = f"  {row[0].why}" if row[0].why and len(row) == 1 else ""
        yield f"  {row[0].name:<{width}}" + "".join(f"{one.value:>14,}" for one in row) + f"  {most:<7}{why}{missed}"


def _store(verdict: Verdict) -> str:
    return "SQLite" if verdict.settings.is_a_file else "PostgreSQL"


def _figures(verdict: Verdict) -> Iterator[str]:
    rows = [*_rows(verdict)]
    width = max(len(name) for name, _ in rows)
    yield from (f"  {name:<{width}}  {value}" for name, value in rows)


def _rows(verdict: Verdict) -> Iterator[tuple[str, str]]:
    acknowledged, losses = verdict.acknowledged, verdict.losses
    kills = [hit for hit in losses.hits if hit.signal.signal == "kill"]
    submitters = sum(one.role == "submitter" for one in verdict.signals)
    hits = sorted(hit.attempts for hit in kills)
    yield "acknowledged", f"{acknowledged.jobs:,} jobs, and {acknowledged.duplicates:,} duplicates"
    yield "kills of the submitter", f"{submitters}"
    if hits:
        spread = f"per kill {hits[0]} to {hits[-1]}, median {hits[len(hits) // 2]}"
        yield "kills that cost attempts", f"{sum(one > 0 for one in hits)} of {len(hits)} ({spread})"
    yield (
        "lost attempts",
        (
            f"{sum(hit.running for hit in losses.hits)} running, "
            f"{sum(hit.unsettled for hit in losses.hits)} ended but not settled, "
            f"{sum(hit.claimed for hit in losses.hits)} claimed but not begun"
        ),
    )
    yield "attempts that ran on as zombies", f"{sum(hit.zombies for hit in losses.hits)}, all refused"
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
        "bars": msgspec.to_builtins(bars(verdict)),
        "figures": dict(_rows(verdict)),
        "hits": msgspec.to_builtins(verdict.losses.hits),
        "counters": msgspec.to_builtins(verdict.counters.all),
    }
