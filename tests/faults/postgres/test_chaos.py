"""The same chaos as on SQLite, and the same checks: processes are killed while they work.

All that can go wrong at once: `tests/faults/test_chaos.py`, and `make faults`; see docs/faults.md.
"""

from pathlib import Path

import pytest

from jobledger.testing.postgres import OwnServer
from tests.faults.chaos.report import table
from tests.faults.chaos.run import run
from tests.faults.chaos.settings import Settings

LEASE = 3.0


@pytest.mark.timeout(120)
def test_workers_and_the_submitter_are_killed(url: str, server: OwnServer, tmp_path: Path) -> None:
    """A worker that was started again is too young to see a death by its connection: there the lease decides."""
    verdict = run(Settings(url=url, folder=str(tmp_path), jobs=500, seconds=2.0, every=1.0, lease=LEASE, slots=30))
    assert verdict.sound, table(verdict)
    assert verdict.losses.hits


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_workers_are_killed_or_stopped(url: str, server: OwnServer, tmp_path: Path) -> None:
    settings = Settings(url=url, folder=str(tmp_path), workers=3, jobs=4_000, faults=("kill", "stop"), lease=LEASE)
    verdict = run(settings)
    assert verdict.sound, table(verdict)
