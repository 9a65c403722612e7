"""``python -m tests.faults.crashes``: a crash at every single call. See docs/faults.md."""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from tests.faults.chaos.finding import told
from tests.faults.crashes.strike import Strike, tell
from tests.faults.crashes.sweep import FAILS, FULL, KILL, Survived, spread, strikes, survive

FAULTS = {"kill": KILL, "full": FULL, "fail": FAILS}


def main() -> int:
    """1 if anything is off."""
    asked = _asked()
    folder = Path(tempfile.mkdtemp(prefix="jobledger-crashes-", dir=asked.directory))
    calls = tell(folder / "whole").calls
    every = [one for name in asked.faults.split(",") for one in strikes(calls, FAULTS[name])]
    every = spread(every, min(asked.many, len(every)), 0) if asked.many else every
    part, parts = map(int, asked.part.split("/"))
    every = every[part - 1 :: parts]
    began = time.monotonic()
    with ProcessPoolExecutor(asked.processes) as pool:
        survived = list(pool.map(partial(_survive, folder), enumerate(every), chunksize=4))
    findings = [finding for one in survived for finding in one.findings]
    sys.stdout.write("\n".join([*_rows(survived, time.monotonic() - began), *(told(findings) or ["everything holds"])]))
    sys.stdout.write(f"\nwhat is off is kept in {folder}\n" if findings else "\n")
    return 1 if findings else 0


def _survive(folder: Path, numbered: tuple[int, Strike]) -> Survived:
    logging.getLogger("jobledger").setLevel(logging.CRITICAL)
    number, strike = numbered
    return survive(folder / str(number), strike)


def _rows(survived: list[Survived], seconds: float) -> list[str]:
    rows = [f"crashes: {len(survived)} runs in {seconds:.0f} s"]
    for (fault, call), many in Counter((one.strike.fault, one.strike.call) for one in survived).items():
        same = [one for one in survived if (one.strike.fault, one.strike.call) == (fault, call)]
        errors = Counter(one.error or "none" for one in same)
        told_ = "" if fault == KILL else f"; ended by {', '.join(f'{name} {n}' for name, n in sorted(errors.items()))}"
        rows.append(f"  {fault} at {call}: {many}, of which {sum(one.struck for one in same)} struck{told_}")
    return rows


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.crashes", description=__doc__)
    parser.add_argument("--faults", default="kill,full,fail", help="kill, full (ENOSPC), fail (EIO)")
    parser.add_argument("--many", type=int, help="so many strikes at equal distances, not all")
    parser.add_argument("--part", default="1/1", metavar="K/N", help="only each N-th of them, from the K-th on")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--directory", type=Path, help="where the files go; it should be on a disk")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
