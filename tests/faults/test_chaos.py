"""Processes are killed while they work: no acknowledged job is lost, the books balance, order stands, nothing is stuck.

The full size is `make faults`; see docs/faults.md.
"""

from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.faults.chaos.bars import bars
from tests.faults.chaos.report import table
from tests.faults.chaos.run import run
from tests.faults.chaos.settings import Settings
from tests.faults.chaos.stage import file, possible, server
from tests.faults.chaos.verdict import Verdict


@pytest.fixture
def settings(store_path: Path, tmp_path: Path, books_balance: set[Path]) -> Settings:
    books_balance.add(store_path.resolve())
    url = f"sqlite:///{store_path}?durability=off"
    return Settings(url=url, folder=str(tmp_path), jobs=1_500, seconds=3.0, every=0.75)


def sound(settings: Settings) -> Verdict:
    verdict = run(settings)
    assert verdict.sound, table(verdict)
    return verdict


def test_workers_are_killed(settings: Settings) -> None:
    """Two workers, of which one is killed at a time; the submitter is killed, too."""
    verdict = sound(settings)
    assert len(verdict.losses.hits) == 4
    assert verdict.losses.lost, "the load was too light: no kill has hit an attempt"
    assert verdict.acknowledged.jobs > settings.jobs // 2
    assert verdict.audits == 9


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_workers_are_killed_or_stopped_for_longer_than_their_lease(settings: Settings) -> None:
    """Who was stopped runs on as a zombie, is refused, and comes back as a new worker."""
    harder = replace(settings, jobs=8_000, seconds=20.0, every=1.0, faults=("kill", "stop"), lease=2.0, workers=3)
    verdict = sound(harder)
    assert any(hit.zombies for hit in verdict.losses.hits), "nobody who was stopped came back to refused attempts"


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("store", ["sqlite", "postgres"])
@pytest.mark.unaudited("the store is gone by then: it is audited many times while it is there")
def test_everything_goes_wrong(store: str, tmp_path: Path) -> None:
    """A tenth of what `make faults` does."""
    faults, jobs, workers = possible(store), 4_000, 3
    with file(tmp_path, faults, jobs) if store == "sqlite" else server(faults, jobs, workers + 1) as stage:
        settings = Settings(
            url=stage.url, ways=stage.ways, folder=str(tmp_path), jobs=jobs, seconds=20.0, kills=20, faults=faults,
            workers=workers, lease=3.0,
        )  # fmt: skip
        verdict = run(settings, stage)
    assert verdict.sound, table(verdict)
    assert len({one.signal for one in verdict.signals if one.role == "trouble"}) > 3
    assert not any(bar.is_missed for bar in bars(verdict))
