"""The same seed gives the same run, or no finding could be looked into."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.simulation.run import run

ROOT = Path(__file__).parents[3]
SEEDS = (1, 2, 3, 4, 5, 6)


def test_the_same_seed_gives_the_same_run() -> None:
    assert [run(seed).digest for seed in SEEDS] == [run(seed).digest for seed in SEEDS]


def test_seeds_differ() -> None:
    assert len({run(seed).digest for seed in SEEDS}) == len(SEEDS)


@pytest.mark.parametrize("hash_seed", ["1", "77"])
def test_another_process_with_other_hashes_gives_the_same_run(hash_seed: str) -> None:
    """Nothing depends on the order of a set, on an address, or on what ran before."""
    program = f"from tests.faults.simulation.run import run; print(*(run(seed).digest for seed in {SEEDS[::-1]}))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [run(seed).digest for seed in SEEDS[::-1]]
