"""The simulation can fail: whatever rule is taken away, some seed of the usual ones notices."""

import pytest

from tests.faults.simulation import lives
from tests.faults.simulation.mutants import MUTANTS, Mutant, the_dead_may_write
from tests.faults.simulation.run import run
from tests.faults.simulation.test_simulation import SEEDS

_SOME = 15


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_missing_rule_is_noticed(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant.apply(monkeypatch)
    assert any(finding.rule == mutant.rule for seed in range(mutant.begin, SEEDS) for finding in run(seed).findings)


def test_the_second_line_holds_where_the_fence_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the dead say of their attempts is refused by the attempt's own match: of that no seed finds anything."""
    the_dead_may_write(monkeypatch)
    found = [finding for seed in range(_SOME) for finding in run(seed).findings]
    assert found
    assert [finding for finding in found if finding.rule in {lives.RESULT, lives.TWICE}] == []
