"""The parts of the screen: what an overview has to say, as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from jobledger._core.alerts import PREFIX
from jobledger._metrics.overview.figures import Gone
from jobledger.cli.tables import Styled
from jobledger.cli.top import short
from jobledger.cli.top.grid import Grid, Head
from jobledger.cli.top.spark import spark

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from jobledger._metrics.overview.figures import (
        Failing,
        Holder,
        Mailbox,
        Overview,
        Picture,
        Spread,
        TypeFigures,
        Worker,
    )
    from jobledger._metrics.overview.judge import Standing
    from jobledger.cli.tables import Cell

ALL: Final = "(all)"
BAD, WARY, DIM = "bold red", "yellow", "dim"
_NAME: Final = 12
"""Places that a name keeps when there is no room."""
_FLOW: Final = (
    Head("READY", right=True), Head("PARKED", right=True), Head("DELAYED", right=True), Head("RUNNING", right=True),
    Head("IN/s", right=True), Head("DONE/s", right=True), Head("FAIL/s", right=True), Head("RETRY/s", right=True),
    Head("DEAD", right=True),
)  # fmt: skip
_JOB: Final = (Head("RUNS FOR", right=True), Head("TYPE", least=8), Head("ENTITY", least=8), Head("JOB"))
_TIMES: Final = (
    Head("READY FOR", right=True), Head("PARKED FOR", right=True), Head("WAIT p50", right=True),
    Head("p95", right=True), Head("p99", right=True), Head("RUN p50", right=True), Head("p95", right=True),
    Head("LONGEST", right=True),
)  # fmt: skip


def flow(types: Sequence[TypeFigures], title: str) -> Grid:
    """Depths and paces by type."""
    return Grid([Head(title, least=_NAME), *_FLOW], [[_name(one), *_flow(one)] for one in types])


def times(types: Sequence[TypeFigures], title: str, first: int) -> Grid:
    """Waits and executions by type."""
    return Grid([Head(title, least=_NAME), *_TIMES], [[_name(one), *_times(one)] for one in types], first)


def both(types: Sequence[TypeFigures], title: str) -> Grid:
    """All of that in one line for each type."""
    rows = [[_name(one), *_flow(one), *_times(one)] for one in types]
    return Grid([Head(title, least=_NAME), *_FLOW, *_TIMES], rows)


def alerts(seen: Overview) -> Grid:
    """What would fire, the worst first."""
    firing = sum(one.state == "firing" for one in seen.alerts)
    pending = len(seen.alerts) - firing
    title = f"ALERTS: {firing or 'none'} would fire" + (f", {pending} pending" if pending else "")
    return Grid([Head(title, least=_NAME)], [[_alert(one)] for one in seen.alerts])


def workers(rows: Iterable[Worker | Gone], *, jobs: bool) -> Grid:
    """Who works, and who has just gone; with the job that each has run for longest, if there is room for it."""
    heads = [
        Head("WORKER", right=True), Head("HOST:PID", least=_NAME, tail=True), Head("STATE"), Head("BEAT", right=True),
        Head("UP", right=True), Head("JOBS/SLOTS", right=True),
    ]  # fmt: skip
    if not jobs:
        return Grid(heads, [_worker(one) for one in rows])
    return Grid([*heads, *_JOB], [[*_worker(one), *_job(one)] for one in rows])


def longest(rows: Iterable[Worker]) -> Grid:
    """The jobs that workers have run for longest, by what `jobledger status` asks for."""
    return Grid([Head("WORKER", right=True), *_JOB], [[str(one.id), *_job(one)] for one in rows])


def mailboxes(rows: Iterable[Mailbox], title: str) -> Grid:
    """Who waits behind whom."""
    heads = [Head(title, least=8), Head("PARKED", right=True), Head("BEHIND A JOB THAT", least=_NAME), Head("JOB")]
    return Grid(heads, [_mailbox(one) for one in rows])


def failing(rows: Iterable[Failing]) -> Grid:
    """What fails, and of what."""
    heads = [Head("FAILING", least=_NAME), Head("DEAD", right=True), Head("RETRY", right=True), Head("OF", least=_NAME)]
    return Grid(heads, [_failing(one) for one in rows])


def picture(seen: Picture) -> Grid:
    """The last hour, a bar for each minute."""
    rows = (("IN/s", seen.enqueued), ("DONE/s", seen.completed), ("FAIL/s", seen.failed), ("WAITING", seen.waiting))
    return Grid([Head("LAST HOUR"), Head(""), Head("AT MOST")], [[name, spark(row), _most(row)] for name, row in rows])


def _most(values: Sequence[float | None]) -> str:
    return short.pace(max((value for value in values if value is not None), default=None))


def _name(one: TypeFigures) -> Cell:
    return Styled(ALL, DIM) if one.type is None else one.type


def _flow(one: TypeFigures) -> list[Cell]:
    depth, pace = one.depth, one.pace
    paces = (None,) * 4 if pace is None else (pace.enqueued, pace.completed, pace.failed, pace.retried)
    ready = Styled(short.count(depth.ready), BAD if one.unhandled and depth.ready else "")
    failed, retried = (Styled(short.pace(value), WARY if value else "") for value in paces[2:])
    return [
        ready, short.count(depth.parked), short.count(depth.delayed), short.count(depth.running),
        short.pace(paces[0]), short.pace(paces[1]), failed, retried,
        Styled(short.count(depth.dead), WARY if depth.dead else ""),
    ]  # fmt: skip


def _times(one: TypeFigures) -> list[Cell]:
    running = Styled(short.time(one.longest_running), BAD if one.overdue else "")
    ages = [short.time(one.oldest_ready), short.time(one.oldest_parked)]
    return [*ages, *_spread(one.wait), *_spread(one.processing)[:2], running]


def _spread(value: Spread | None) -> list[Cell]:
    if value is None:
        return [short.NONE] * 3
    found = {"p50": value.p50, "p95": value.p95, "p99": value.p99}
    return [short.time(quantile, above=name in value.above) for name, quantile in found.items()]


def _alert(one: Standing) -> Cell:
    """What it says comes first: of its name the beginning will do."""
    name = one.alert.removeprefix(PREFIX)
    if one.state == "pending":
        return Styled(f"pending {one.summary}  {name}", DIM)
    return Styled(f"{one.severity:7} {one.summary}  {name}", BAD if one.severity == "page" else WARY)


def _worker(one: Worker | Gone) -> list[Cell]:
    place = f"{one.host}:{one.pid}"
    if isinstance(one, Gone):
        return [str(one.id), place, Styled("gone", WARY), short.time(one.seconds), short.NONE, short.NONE]
    return [
        str(one.id), place, Styled(one.state, "green" if one.state == "live" else BAD), short.time(one.beat),
        short.time(one.up), f"{one.running}/{one.slots}",
    ]  # fmt: skip


def _job(one: Worker | Gone) -> list[Cell]:
    job = None if isinstance(one, Gone) else one.longest
    if isinstance(one, Gone) or job is None:
        return [short.NONE, "", "", ""]
    lost = one.state == "ended"
    text = f"{'lost ' if lost else 'overdue ' if job.overdue else ''}{short.time(job.seconds)}"
    return [Styled(text, BAD if lost or job.overdue else ""), job.type, job.entity or "", job.job]


def _mailbox(one: Mailbox) -> list[Cell]:
    parked = short.count(one.parked)
    if one.holder is None:
        return [one.entity, parked, "has just ended", ""]
    text = _holding(one.holder)
    return [one.entity, parked, Styled(text, "" if text.startswith("runs") else BAD), one.holder.job]


def _holding(one: Holder) -> str:
    if one.state == "running":
        return f"runs for {short.time(one.seconds)}"
    if one.state == "lost":
        return f"was lost with worker {one.worker}"
    if not one.handled:
        return f"nobody handles: {one.type}"
    if one.state == "ready":
        return f"is ready for {short.time(one.seconds)}"
    return f"failed {one.failures}/{one.max_attempts}, in {short.time(one.seconds)}"


def _failing(one: Failing) -> list[Cell]:
    error = one.error or "(no error text)"
    text = error if one.reason is None else f"{one.reason}: {error}"
    return [one.type, short.count(one.dead), short.count(one.retrying), text]
