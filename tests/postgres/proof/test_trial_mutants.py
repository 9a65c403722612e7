"""Take one rule away, and the trial must find it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.postgres.proof.mutants import TRIED
from tests.postgres.proof.trial import tried

if TYPE_CHECKING:
    from tests.postgres.proof.mutants import Tried

SEED: Final = 3

all_of_them = pytest.mark.parametrize(
    "case",
    [
        pytest.param(
            one,
            id=one.name,
            marks=[pytest.mark.timeout(60 + 2 * one.seconds), *([pytest.mark.slow] if one.slow else [])],
        )
        for one in TRIED
    ],
)


@pytest.mark.unaudited("a rule is missing in it, on purpose")
@all_of_them
def test_the_trial_notices_that_a_rule_is_missing(postgres_database: str, case: Tried) -> None:
    report = tried(postgres_database, case.shape, SEED, case.seconds, case.mutant)
    print(report)  # noqa: T201 - pytest shows it where it fails
    assert report.findings, f"nobody missed this rule: {case.mutant.rule}; {report}"
