"""One at a time, in order, per entity: what the witness can say about that."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from math import inf
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from jobledger.cli.demo.witness import Sighting


class Mailboxes(msgspec.Struct, frozen=True):
    """How the mailboxes were worked off.

    Attributes:
        count: how many entities there were.
        deepest: the one with the most jobs, and ``depth``, how many.
        overlaps: attempts that began before another one of their entity had ended.
        out_of_order: first attempts that began before that of a job submitted earlier to their entity.
    """

    count: int
    deepest: str
    depth: int
    overlaps: int
    out_of_order: int

    @property
    def sound(self) -> bool:
        """Whether the promise was kept."""
        return not self.overlaps and not self.out_of_order


def inspect(
    sightings: Iterable[Sighting], submitted: Sequence[str], later: Collection[str], killed: float = inf
) -> Mailboxes:
    """Go through all attempts, entity by entity.

    Args:
        sightings: in the order in which they began.
        submitted: the jobs in the order of their submit.
        later: jobs that were delayed; only from their due time on do they have a place in the order.
        killed: when a worker was killed: no later than that did its attempts end that nobody saw ending.
    """
    order = {job_id: place for place, job_id in enumerate(submitted)}
    by_entity: dict[str, list[Sighting]] = {}
    for sighting in sightings:
        if sighting.entity is not None:
            by_entity.setdefault(sighting.entity, []).append(sighting)
    (deepest, depth), *_ = Counter(
        {entity: len({one.job_id for one in seen}) for entity, seen in by_entity.items()}
    ).most_common(1)
    overlaps = out_of_order = 0
    for seen in by_entity.values():
        overlaps += sum(
            after.began < (killed if before.ended is None else before.ended) for before, after in pairwise(seen)
        )
        places = [order[one.job_id] for one in seen if one.attempt == 1 and one.job_id not in later]
        out_of_order += sum(after < before for before, after in pairwise(places))
    return Mailboxes(len(by_entity), deepest, depth, overlaps, out_of_order)
