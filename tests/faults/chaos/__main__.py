"""``python -m tests.faults.chaos``: kill processes while they work, and check everything. See docs/faults.md."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

from tests.faults.chaos.report import data, table
from tests.faults.chaos.run import run
from tests.faults.chaos.settings import Settings


def main() -> int:
    """1 if anything is off."""
    asked = _asked()
    folder = Path(tempfile.mkdtemp(prefix="jobledger-chaos-", dir=asked.directory))
    settings = Settings(
        url=asked.url or f"sqlite:///{folder}/jobs.db",
        folder=str(folder),
        jobs=asked.jobs,
        seconds=asked.seconds,
        every=asked.every,
        signals=tuple(asked.signals.split(",")),
        seed=asked.seed,
        workers=asked.workers,
        lease=asked.lease,
    )
    verdict = run(settings)
    sys.stdout.write(table(verdict) + "\n")
    if asked.json is not None:
        asked.json.write_text(json.dumps(data(verdict), indent=2) + "\n")
    if verdict.sound and not asked.keep:
        shutil.rmtree(folder)
    else:
        sys.stdout.write(f"everything is kept in {folder}\n")
    return 0 if verdict.sound else 1


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.chaos", description=__doc__)
    parser.add_argument("--jobs", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=30.0, help="how long processes are killed")
    parser.add_argument("--every", type=float, default=1.0, help="seconds between two signals")
    parser.add_argument("--seed", type=int, default=1, help="of the plan, the victims and the moments")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--signals", default="kill", help="kill, stop, or kill,stop")
    parser.add_argument("--lease", type=float, default=10.0, help="seconds; a stop lasts twice as long")
    parser.add_argument("--url", help="a store of its own for this run; else an SQLite file")
    parser.add_argument("--directory", type=Path, help="where the files go; it should be on a disk")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything there too")
    parser.add_argument("--keep", action="store_true", help="keep the files of a run that went well")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
