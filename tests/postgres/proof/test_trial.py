"""The proof: claims, mailboxes, fence and takeover at random, over real connections, with an audit all along.

Run longer, or again what has failed:

    JOBLEDGER_TEST_TRIAL=60 JOBLEDGER_TEST_SEED=4711 pytest tests/postgres/proof/test_trial.py
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Final

import pytest

from tests.postgres.proof.shape import DENSE, SPARSE
from tests.postgres.proof.trial import tried

if TYPE_CHECKING:
    from tests.postgres.proof.shape import Shape

SECONDS: Final = float(os.environ.get("JOBLEDGER_TEST_TRIAL", "10"))
SEED: Final = int(os.environ.get("JOBLEDGER_TEST_SEED", time.time_ns() // 1000 % 1_000_000))
LONG: Final = 300.0

both = pytest.mark.parametrize("shape", [DENSE, SPARSE], ids=lambda shape: str(shape.name))


def check(url: str, shape: Shape, seconds: float) -> None:
    report = tried(url, shape, SEED, seconds)
    print(report)  # noqa: T201 - pytest shows it where it fails: what a run needs to be repeated
    assert not report.findings, str(report)
    for did in ("takeovers", "replays refused", "cut", "rolled back", "recalled", "activations", "asked", "audits"):
        assert report.counts.get(did), f"{did}: {report}"


@pytest.mark.timeout(60 + 4 * SECONDS)
@both
def test_nothing_is_found(postgres_database: str, shape: Shape) -> None:
    check(postgres_database, shape, SECONDS)


@pytest.mark.slow
@pytest.mark.timeout(60 + 2 * LONG)
@both
def test_nothing_is_found_in_a_long_run(postgres_database: str, shape: Shape) -> None:
    check(postgres_database, shape, LONG)
