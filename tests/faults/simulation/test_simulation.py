"""Whole machines in virtual time, by seed: processes die, freeze and come back, and the books stay right.

`make faults` runs more seeds; see docs/faults.md.
"""

import pytest

from tests.faults.simulation.kept import KEPT
from tests.faults.simulation.many import simulate
from tests.faults.simulation.run import run

SEEDS = 500
_PARTS = 10
_FAULTS = ("crashes", "zombies", "blocked loops", "unknown commits", "failing disks", "clock jumps", "lost wake-ups")


@pytest.mark.parametrize("part", range(_PARTS))
def test_nothing_is_off(part: int) -> None:
    size = SEEDS // _PARTS
    tally = simulate(range(part * size, (part + 1) * size))
    assert not tally.bad, str(tally)
    assert [fault for fault in _FAULTS if not tally.counts[fault]] == []


@pytest.mark.parametrize("seed", KEPT, ids=lambda seed: KEPT[seed].name)
def test_what_was_found_once_is_gone(seed: int) -> None:
    assert run(seed).findings == []


@pytest.mark.parametrize("seed", KEPT, ids=lambda seed: KEPT[seed].name)
def test_it_would_be_found_again(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """If what a run is made of has changed, another seed has to take the place of this one."""
    KEPT[seed].apply(monkeypatch)
    assert KEPT[seed].rule in {finding.rule for finding in run(seed).findings}
