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


@pytest.mark.parametrize(
    "seed",
    [
        pytest.param(18053, id="the last one to end could not retire, so nobody takes it over"),
        pytest.param(44051, id="one whose disk had failed was blocked until all others had left"),
        pytest.param(
            34916, id="of two who replay a job, the second one's answer is lost, and read from the job as it is"
        ),
    ],
)
def test_what_the_check_took_for_a_finding_is_none(seed: int) -> None:
    assert run(seed).findings == []
