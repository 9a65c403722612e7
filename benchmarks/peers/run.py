"""Compare jobledger with other job systems: ``make bench-peers``, or ``python benchmarks/peers/run.py --help``."""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    # A script's own folder comes first on its path; here that is the project's root, so that `benchmarks` is a package.
    sys.path[0] = str(Path(__file__).resolve().parents[2])
    from benchmarks.peers.command import main

    sys.exit(main())
