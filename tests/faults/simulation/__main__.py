"""``python -m tests.faults.simulation``: simulate many seeds, or replay one. See docs/faults.md."""

from __future__ import annotations

import argparse
import sys
import time

from tests.faults.simulation.many import Tally, described, simulate
from tests.faults.simulation.run import run


def main() -> int:
    """1 if a seed has findings."""
    asked = _asked()
    if asked.seed is not None:
        outcome = run(asked.seed, None if asked.trace else 60)
        sys.stdout.write(described(outcome) + f"\ndigest {outcome.digest}\n")
        return bool(outcome.findings)
    began = time.monotonic()
    tally: Tally = simulate(range(asked.first, asked.first + asked.seeds), asked.jobs)
    sys.stdout.write(f"{tally}\n{time.monotonic() - began:.0f} s\n")
    return bool(tally.bad)


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=500, help="how many")
    parser.add_argument("--from", type=int, default=0, dest="first", metavar="SEED", help="the first of them")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--seed", type=int, help="only this one")
    parser.add_argument("--trace", action="store_true", help="with --seed: all that happens in it")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
