"""Run the benchmarks: ``python benchmarks/run.py --help``.

Everything compares within one run, as ratios; nothing is asserted on time.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    # A script's own folder comes first on its path; here that is the project's root, so that `benchmarks` is a package.
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    from benchmarks.command import main

    sys.exit(main())
