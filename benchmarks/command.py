"""The command line of the benchmarks."""

from __future__ import annotations

import argparse
import asyncio
import gc
import importlib
import json
import os
import platform
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import apsw

from benchmarks import disk
from benchmarks.bench import Bench
from benchmarks.measure import Benchmark, Numbers, Outcome
from benchmarks.table import markdown, show

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobledger.testing.postgres import Server

NAMES = (
    "drain", "submit", "latency", "keyed", "parked", "priorities", "backlog", "mixed", "scrape", "memory", "ceilings",
    "across", "idle", "workers", "books", "startup", "retained",
)  # fmt: skip
ON_POSTGRES = (
    "drain",
    "submit",
    "latency",
    "keyed",
    "parked",
    "priorities",
    "mixed",
    "scrape",
    "across",
    "workers",
    "books",
    "crowd",
    "ceilings",
)
"""Those that measure PostgreSQL with ``--store postgres``; the others are about a file."""
SETTINGS = {"shared_buffers": "1GB", "max_wal_size": "4GB"}
LEAST_RUNS = 3
_ABOUT = "Measure jobledger on this disk. Compare ratios, not seconds; each benchmark ends with an audit of its books."


def main() -> int:
    """Run what was asked for; 1 if books did not balance."""
    asked = _asked()
    place = asked.directory or disk.on_disk()
    machine = _machine(place)
    print("  ".join(f"{name}: {value}" for name, value in machine.items()))
    began = perf_counter()
    with _server(asked, place) as server:
        names = asked.only or (NAMES if server is None else ON_POSTGRES)
        outcomes = [_measured(load(name), asked, place, server) for name in names]
    unbalanced = [outcome.benchmark.name for outcome in outcomes if outcome.books != "balanced"]
    books = f"NOT BALANCED: {', '.join(unbalanced)}" if unbalanced else "balanced"
    print(f"\n{perf_counter() - began:.0f} s; books: {books}")
    if asked.json is not None:
        asked.json.write_text(
            json.dumps({"machine": machine, "benchmarks": [_data(one) for one in outcomes]}, indent=2) + "\n"
        )
    if asked.markdown is not None:
        asked.markdown.write_text(markdown(outcomes), encoding="utf-8")
    return 1 if unbalanced else 0


@contextmanager
def _server(asked: argparse.Namespace, place: Path) -> Iterator[Server | None]:
    """A PostgreSQL of our own on the same disk, every commit synced, or none."""
    if asked.store == "sqlite":
        yield None
        return
    from jobledger.testing.postgres import start

    with start(durable=True, directory=asked.directory, settings=SETTINGS) as server:
        print(
            f"PostgreSQL {server.version / 10_000:.4g}, fsync and synchronous_commit on, disk: {disk.described(place)}"
        )
        yield server


def load(name: str) -> Benchmark:
    """The benchmark in the module of this name."""
    benchmark = importlib.import_module(f"benchmarks.{name}").BENCHMARK
    assert isinstance(benchmark, Benchmark)
    return benchmark


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks/run.py", description=_ABOUT)
    parser.add_argument("--store", choices=("sqlite", "postgres"), default="sqlite", help="what is measured")
    parser.add_argument(
        "--only",
        action="append",
        choices=sorted({*NAMES, *ON_POSTGRES}),
        help="one benchmark; may be given several times",
    )
    parser.add_argument("--quick", action="store_true", help="small sizes: in a minute, and less exact")
    parser.add_argument(
        "--full",
        action="store_true",
        help="also 1,000,000 waiting jobs, and 10,000,000 ended ones: a quarter of an hour more",
    )
    parser.add_argument("--runs", type=int, default=LEAST_RUNS, help=f"runs of each benchmark, at least {LEAST_RUNS}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all values there too")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write tables for the documentation there")
    parser.add_argument("--directory", type=Path, help="where the files go; it should be on a disk")
    asked = parser.parse_args()
    if asked.runs < LEAST_RUNS:
        parser.error(f"--runs is at least {LEAST_RUNS}: a median of fewer says little")
    if asked.store == "postgres" and (wrong := set(asked.only or ()) - set(ON_POSTGRES)):
        parser.error(f"{', '.join(sorted(wrong))}: SQLite only; on PostgreSQL there are {', '.join(ON_POSTGRES)}")
    if asked.store == "sqlite" and "crowd" in (asked.only or ()):
        parser.error("crowd: with --store postgres only")
    if asked.directory is not None and not asked.directory.is_dir():
        parser.error(f"there is no directory {asked.directory}")
    return asked


def _measured(benchmark: Benchmark, asked: argparse.Namespace, place: Path, server: Server | None) -> Outcome:
    runs: list[Numbers] = []
    findings = audits = 0
    began = perf_counter()
    for number in range(asked.runs):
        _say(f"{benchmark.name}, run {number + 1} of {asked.runs} …")
        gc.collect()
        with tempfile.TemporaryDirectory(prefix="jobledger-bench-", dir=place) as folder:
            bench = Bench(Path(folder), asked.quick, asked.full, server)
            runs.append(asyncio.run(_once(benchmark, bench)))
        findings, audits = findings + bench.findings, audits + bench.audits
    _say("")
    outcome = Outcome(benchmark, runs, findings, audits, perf_counter() - began)
    show(outcome)
    return outcome


async def _once(benchmark: Benchmark, bench: Bench) -> Numbers:
    return await benchmark.once(bench)


def _machine(place: Path) -> dict[str, str]:
    return {
        "Python": platform.python_version(),
        "SQLite": apsw.sqlite_lib_version(),
        "cores": str(os.cpu_count()),
        "load": f"{os.getloadavg()[0]:.1f}",
        "disk": disk.described(place),
        "durability": "power (WAL, synchronous=FULL)",
    }


def _data(outcome: Outcome) -> dict[str, object]:
    rows = [
        {
            "name": line.name,
            "unit": line.unit,
            "median": sample.median,
            "low": sample.low,
            "high": sample.high,
            "runs": sample.values,
        }
        for line, sample in outcome.rows
    ]
    return {"name": outcome.benchmark.name, "about": outcome.benchmark.about, "books": outcome.books, "lines": rows}


def _say(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
