"""Overviews to draw: a store in trouble, of any size, with names as bad as they may be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from jobledger._metrics.overview.figures import (
    Books,
    Depth,
    Entities,
    Failing,
    Gone,
    Holder,
    Longest,
    Mailbox,
    Overview,
    Pace,
    Picture,
    Spread,
    TypeFigures,
    Worker,
)
from jobledger._metrics.overview.judge import Standing, Unjudged

if TYPE_CHECKING:
    from jobledger._core.alerts import Severity

JOB = "0190f3c2-7c1e-7a53-9d0f-{:012x}"
PICTURE = Picture(
    enqueued=(None, *[float(n) for n in range(59)]),
    completed=(0.0,) * 60,
    failed=(None,) * 60,
    waiting=tuple(float(n % 7) for n in range(60)),
)


def figures(name: str | None, scale: int = 1) -> TypeFigures:
    spread = Spread(100 * scale, 0.012, 3.4, 86_400.0, ("p99",))
    return TypeFigures(
        name, Depth(12 * scale, 34 * scale, 5 * scale, 7 * scale, 2 * scale),
        Pace(120.5 * scale, 101.25 * scale, 19.3 * scale, 18.1 * scale, 0.0, 1.2 * scale),
        spread, spread, 754.0, 1234.0, 4321.0, scale - 1, 0,
    )  # fmt: skip


def worker(number: int, name: str = "email.send", entity: str | None = "customer:42") -> Worker:
    longest = Longest(JOB.format(number), name, entity, 60.0 * number, 30.0, overdue=True)
    return Worker(number, f"web-{number}.example.org", 40_000 + number, "live", 7200.0, 1.2, 10.0, 116, 47, longest)


def troubled(types: int = 3, workers: int = 2, boxes: int = 2, failing: int = 2, *, odd: str = "") -> Overview:
    """So many of each; ``odd`` is added to every name that comes from users."""
    named = [figures(f"type-{number}{odd}", number) for number in range(1, types + 1)]
    return Overview(
        as_of=1_700_000_000.0,
        window=64.0,
        books=Books(0, 34.0, 0),
        live_workers=workers,
        slots=116 * workers,
        busy=47 * workers,
        workers=tuple(worker(number, f"type-1{odd}", f"customer:{number}{odd}") for number in range(1, workers + 1)),
        gone=(Gone(99, "web-9", 4711, 12.0),),
        entities=Entities(123, 61, 61, tuple(mailbox(number, odd) for number in range(1, boxes + 1))),
        all=figures(None, 10),
        types=tuple(named),
        failing=tuple(
            Failing(f"type-{number}{odd}", f"ConnectionError: no route{odd}", None, 3, 4, JOB.format(number))
            for number in range(1, failing + 1)
        ),
        alerts=(
            standing("OldestReadyJobTooOld", "page", f"type-1{odd}", "the oldest ready job has waited for 12m 34s"),
            standing("DlqGrowing", "ticket", f"type-2{odd}", "3 dead letter(s) within an hour"),
            standing("HungJob", "ticket", "type-1", "an attempt does not end", state="pending"),
        ),
        not_judged=(Unjudged("JobledgerBooksStale", "only Prometheus can tell"),),
    )


def mailbox(number: int, odd: str = "") -> Mailbox:
    holder = Holder(JOB.format(900 + number), f"type-1{odd}", "running", 100.0, 1, True, 0, 10, None)
    return Mailbox(f"customer:{number}{odd}", 30 - number, holder)


def standing(
    name: str, severity: Severity, label: str, text: str, *, state: Literal["firing", "pending"] = "firing"
) -> Standing:
    return Standing(
        f"Jobledger{name}", severity, label, state, 60.0, 60.0, 1.0, f"{label}: {text}", "docs/runbooks/x.md"
    )
