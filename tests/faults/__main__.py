"""``python -m tests.faults``: everything that is done to break it, one after the other. See docs/faults.md."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from typing import Final, NamedTuple

from tests.faults.program import ROOT

_PROCESSES: Final = str(min(os.cpu_count() or 1, 4))
_MUTANTS: Final = (
    "tests/unit/test_fence_mutants.py",
    "tests/postgres/proof/test_fence_mutants.py",
    "tests/postgres/proof/test_races.py",
    "tests/faults/simulation/test_mutants.py",
)


class Sizes(NamedTuple):
    """How much of each."""

    seeds: int
    lives: int
    kills: int
    jobs: int
    crashes: int
    errors: int


SHORT: Final = Sizes(seeds=10_000, lives=200, kills=100, jobs=20_000, crashes=10_000, errors=600)
LONG: Final = Sizes(seeds=100_000, lives=1_000, kills=300, jobs=200_000, crashes=10_000, errors=10_000)
"""More crashes, and errors, than there are calls to strike at: one at each."""
_CALLS: Final = 950
"""That a crash can strike at; a share of all is a share of these."""


class Ended(NamedTuple):
    """A part that has been run."""

    name: str
    code: int
    seconds: float


def main() -> int:
    """1 if any part has found something."""
    asked = _asked()
    sizes = _sized(LONG if asked.long else SHORT, asked.scale)
    parts = _parts(sizes, asked.seed)
    wanted = asked.only.split(",") if asked.only else [*parts]
    if unknown := set(wanted) - set(parts):
        raise SystemExit(f"no part is called {', '.join(sorted(unknown))}: use {', '.join(parts)}")
    ended = [_run(name, parts[name], sizes) for name in wanted]
    width = max(map(len, parts))
    rows = [f"  {one.name:<{width}} {one.seconds:>8.0f} s  {'holds' if one.code == 0 else 'FAILED'}" for one in ended]
    rows.append(f"  {'all':<{width}} {sum(one.seconds for one in ended):>8.0f} s")
    sys.stdout.write("\n".join(["", "faults", *rows, ""]))
    return int(any(one.code for one in ended))


def _parts(sizes: Sizes, seed: int) -> dict[str, list[list[str]]]:
    crashes = ["tests.faults.crashes", "--processes", _PROCESSES]
    chaos = ["--store", "both", "--kills", str(sizes.kills), "--jobs", str(sizes.jobs), "--seed", str(seed)]
    return {
        "simulation": [["tests.faults.simulation", "--seeds", str(sizes.seeds), "--jobs", _PROCESSES]],
        "state-machine": [["pytest", "-q", "-m", "slow", "--numprocesses", "2", "tests/property/test_books.py"]],
        "crashes": [
            [*crashes, "--faults", "kill", "--many", str(sizes.crashes)],
            [*crashes, "--faults", "full,fail", "--many", str(sizes.errors)],
        ],
        "mutants": [["pytest", "-q", "--numprocesses", _PROCESSES, "-m", "not slow", *_MUTANTS]],
        "chaos": [["tests.faults.chaos", *chaos]],
    }


def _sized(sizes: Sizes, scale: float) -> Sizes:
    if scale == 1.0:
        return sizes
    all_ = sizes._replace(crashes=min(sizes.crashes, _CALLS), errors=min(sizes.errors, 2 * _CALLS))
    return Sizes(*(max(round(size * scale), 1) for size in all_))


def _run(name: str, commands: list[list[str]], sizes: Sizes) -> Ended:
    environment = os.environ | {"JOBLEDGER_TEST_LIVES": str(sizes.lives)}
    began, codes = time.monotonic(), list[int]()
    for words in commands:
        sys.stdout.write(f"\n== {name}: python -m {' '.join(words)}\n")
        sys.stdout.flush()
        codes.append(subprocess.run([sys.executable, "-m", *words], cwd=ROOT, env=environment, check=False).returncode)
    return Ended(name, max(map(abs, codes)), time.monotonic() - began)


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--long", action="store_true", help="ten times as much, and 300 kills a store")
    parser.add_argument("--scale", type=float, default=1.0, help="this share of all sizes, to try it")
    parser.add_argument("--only", help="some parts: simulation, state-machine, crashes, mutants, chaos")
    parser.add_argument("--seed", type=int, default=1, help="of the chaos")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
