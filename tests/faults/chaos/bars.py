"""The figures by which a run is judged, and what each may be at most."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import msgspec

from tests.faults.chaos import acknowledged, losses, order, verdict
from tests.faults.chaos.plan import POISON

if TYPE_CHECKING:
    from tests.faults.chaos.verdict import Verdict

_LOST: Final = frozenset({acknowledged.LOST, acknowledged.TWICE, acknowledged.WHOLE, acknowledged.REFUSED})
_ORDER: Final = frozenset({order.IN_ORDER, order.GROWING, order.HELD})
_OVERLAPS: Final = frozenset({order.ALONE, order.ONCE})
_NOBODY: Final = frozenset({losses.UNHIT})


class Bar(msgspec.Struct, frozen=True):
    """One figure.

    Attributes:
        most: what it may be; None: whatever it is, it is told.
        why: what is to be known of it.
    """

    name: str
    value: int
    most: int | None = None
    why: str = ""

    @property
    def is_missed(self) -> bool:
        """It is more than it may be."""
        return self.most is not None and self.value > self.most


def bars(run: Verdict) -> list[Bar]:
    """All of them, as a run has them."""
    found = Counter(finding.rule for finding in run.findings)
    causes = Counter(cause for why in run.losses.twice.values() for cause in why)
    kills = sum(one.signal == "kill" and one.role == "worker" for one in run.signals)
    buried = {type_: number for type_, number in run.losses.dead.items() if type_ != POISON}
    drift = sum(abs(one.counted - one.seen) for one in run.counters.all)
    indeterminate = run.acknowledged.indeterminate
    return [
        Bar("jobs", run.jobs),
        Bar("attempts", len(run.attempts.all)),
        Bar("kills of workers", kills, why=f"{sum(bool(one.locked) for one in run.signals)} in a transaction"),
        Bar("troubles", sum(_troubles(run).values()), why=_listed(_troubles(run))),
        Bar("submits without an answer", len(indeterminate), why=f"{len(run.acknowledged.applied)} were applied"),
        Bar("acknowledged and lost, or half there, or twice", sum(found[rule] for rule in _LOST), 0),
        Bar("executed to the end twice", len(run.losses.twice), why=f"not settled before: {_listed(causes) or 'none'}"),
        Bar("attempts lost", len(run.losses.lost)),
        Bar("attempts lost without a cause", sum(found[rule] for rule in _NOBODY), 0),
        Bar("dead by loss, poison apart", sum(buried.values()), 0, f"poison: {run.losses.dead[POISON]}"),
        Bar("counter drift", drift, 0),
        Bar("audits out of balance", found[verdict.BALANCED], 0, f"of {run.audits}"),
        Bar("violations of order", sum(found[rule] for rule in _ORDER), 0),
        Bar("overlaps outside of zombie windows", sum(found[rule] for rule in _OVERLAPS), 0,
            f"within: {run.order.in_zombie_windows}"),
        Bar("stuck", found[verdict.DRAINED], 0),
        Bar("all that is off", len(run.findings), 0),
    ]  # fmt: skip


def _troubles(run: Verdict) -> Counter[str]:
    return Counter(one.signal for one in run.signals if one.role == "trouble")


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in sorted(counts.items()))
