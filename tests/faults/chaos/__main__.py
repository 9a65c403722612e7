"""``python -m tests.faults.chaos``: kill processes while they work, and check everything. See docs/faults.md."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast, get_args

from tests.faults.chaos.report import compared, data, table
from tests.faults.chaos.run import run
from tests.faults.chaos.settings import Fault, Settings
from tests.faults.chaos.stage import Stage, file, possible, server

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.faults.chaos.verdict import Verdict

STORES = ("sqlite", "postgres")


def main() -> int:
    """1 if anything is off."""
    asked = _asked()
    verdicts = [_run(store, asked) for store in (STORES if asked.store == "both" else (asked.store,))]
    if len(verdicts) > 1:
        sys.stdout.write(f"both stores\n{compared(verdicts)}\n")
    if asked.json is not None:
        asked.json.write_text(json.dumps([data(verdict) for verdict in verdicts], indent=2) + "\n")
    return 0 if all(verdict.sound for verdict in verdicts) else 1


def _run(store: str, asked: argparse.Namespace) -> Verdict:
    folder = Path(tempfile.mkdtemp(prefix="jobledger-chaos-", dir=asked.directory))
    faults = _faults(store, asked.faults)
    with _stage(store, folder, faults, asked) as stage:
        settings = Settings(
            url=stage.url,
            ways=stage.ways,
            folder=str(folder),
            jobs=asked.jobs,
            seconds=asked.kills * asked.every,
            every=asked.every,
            kills=asked.kills if "kill" in faults else 0,
            faults=faults,
            seed=asked.seed,
            workers=asked.workers,
            lease=asked.lease,
            patience=asked.patience,
        )
        verdict = run(settings, stage)
    sys.stdout.write(table(verdict) + "\n\n")
    if verdict.sound and not asked.keep:
        shutil.rmtree(folder)
    else:
        sys.stdout.write(f"everything is kept in {folder}\n")
    sys.stdout.flush()
    return verdict


@contextmanager
def _stage(store: str, folder: Path, faults: tuple[Fault, ...], asked: argparse.Namespace) -> Generator[Stage]:
    if asked.url:
        yield Stage(asked.url)
    elif store == "sqlite":
        with file(folder, faults, asked.jobs) as stage:
            yield stage
    else:
        with server(faults, asked.jobs, asked.workers + 1) as stage:
            yield stage


def _faults(store: str, asked: str) -> tuple[Fault, ...]:
    can = possible(store)
    if asked == "all":
        return can
    wanted = asked.split(",")
    if unknown := set(wanted) - set(get_args(Fault)):
        raise SystemExit(f"no fault is called {', '.join(sorted(unknown))}: use {', '.join(get_args(Fault))}")
    return cast("tuple[Fault, ...]", tuple(fault for fault in wanted if fault in can))


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.chaos", description=__doc__)
    parser.add_argument("--store", choices=(*STORES, "both"), default="both", help="a new one for each run")
    parser.add_argument("--kills", type=int, default=100, help="of workers")
    parser.add_argument("--jobs", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1, help="of the plan, the victims and the moments")
    parser.add_argument("--every", type=float, default=1.0, help="seconds between two kills")
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--faults", default="all", help=f"all, or some of {','.join(get_args(Fault))}")
    parser.add_argument("--lease", type=float, default=3.0, help="seconds; a stop lasts twice as long")
    parser.add_argument("--patience", type=float, default=120.0, help="seconds of standstill")
    parser.add_argument("--url", help="another store, which must be new, instead of one that is made for the run")
    parser.add_argument("--directory", type=Path, help="where the files go; it should be on a disk")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything there too")
    parser.add_argument("--keep", action="store_true", help="keep the files of a run that went well")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
