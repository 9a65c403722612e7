"""The command line of the comparison with other systems."""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import apsw

from benchmarks import disk
from benchmarks.peers import table
from benchmarks.peers.catalog import SYSTEMS, chosen
from benchmarks.peers.contract import URL
from benchmarks.peers.install import REFUSED
from benchmarks.peers.marks import FILE
from benchmarks.peers.results import Results, Round
from benchmarks.peers.servers import Missing, Servers
from benchmarks.processes import ROOT

if TYPE_CHECKING:
    from benchmarks.peers.catalog import System

LEAST_RUNS = 3
PATIENCE = 200.0
"""Seconds that one run of one system may take."""
_ABOUT = "Measure jobledger and other job systems, one after the other, by the same rule. Compare ratios, not seconds."


def main() -> int:
    """Run what was asked for."""
    asked = _asked()
    place = asked.directory or disk.on_disk()
    results, began = Results({}, asked.quick), perf_counter()
    for path in asked.add:
        results.add(path)
    systems = chosen(asked.only)
    with Servers(asked.directory) as servers:
        for number in range(asked.runs):
            results.rounds.append(
                _round(systems, asked, place, servers, results, f"round {number + 1} of {asked.runs}")
            )
        if asked.runs:
            results.machine = _machine(place) | servers.described
    _say("")
    print("  ".join(f"{name}: {value}" for name, value in results.machine.items()))
    table.show(results)
    print(f"{perf_counter() - began:.0f} s")
    if asked.json is not None:
        results.write(asked.json)
    if asked.markdown is not None:
        asked.markdown.write_text(table.markdown(results), encoding="utf-8")
    return 0


def _asked() -> argparse.Namespace:
    names = sorted({one.name for one in SYSTEMS} | {one.peer for one in SYSTEMS})
    parser = argparse.ArgumentParser(prog="benchmarks/peers/run.py", description=_ABOUT)
    parser.add_argument(
        "--python", type=Path, default=ROOT / ".venv-peers/bin/python", help="where the peers are installed"
    )
    parser.add_argument("--only", type=lambda text: text.split(","), default=[], metavar="A,B", help=", ".join(names))
    parser.add_argument("--quick", action="store_true", help="small sizes: less exact")
    parser.add_argument("--runs", type=int, default=LEAST_RUNS, help="rounds, in each of which every system runs once")
    parser.add_argument(
        "--add", type=Path, action="append", default=[], metavar="FILE", help="rounds of an earlier --json"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all values there too")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write tables for the documentation there")
    parser.add_argument("--directory", type=Path, help="where the files go; it should be on a disk")
    asked = parser.parse_args()
    if wrong := set(asked.only) - set(names):
        parser.error(f"--only: there is no {', '.join(sorted(wrong))}; there are {', '.join(names)}")
    if asked.runs < LEAST_RUNS and not asked.add and asked.json is None:
        parser.error(f"--runs is at least {LEAST_RUNS}, unless --json keeps them for a later --add")
    if asked.runs and not asked.python.exists():
        parser.error(f"there is no {asked.python}: `make bench-peers` makes it")
    return asked


def _round(
    systems: list[System], asked: argparse.Namespace, place: Path, servers: Servers, results: Results, label: str
) -> Round:
    taken: Round = {}
    for system in systems:
        _say(f"{label}: {system.title} …")
        try:
            answer = _once(system, asked, place, servers)
        except Missing as missing:
            results.failures[system.name] = str(missing)
            continue
        taken[system.name] = answer["numbers"]
        results.versions[system.name] = answer["version"]
    return taken


def _once(system: System, asked: argparse.Namespace, place: Path, servers: Servers) -> dict[str, Any]:
    """One run of one system, by a driver in the peers' environment.

    Raises:
        Missing: it could not run; says why.
    """
    _installed(system, asked.python)
    small = 5 if asked.quick else 1
    sizes = {"jobs": system.jobs // small, "submits": 1000 // small, "samples": 120 // small}
    with (
        tempfile.TemporaryDirectory(prefix="jobledger-peers-", dir=place) as folder,
        servers.store(system, Path(folder)) as url,
    ):
        options = [f"--{name}={value}" for name, value in sizes.items()]
        driver = subprocess.Popen(
            [
                asked.python, "-m", "benchmarks.peers.driver", system.module, system.variant,
                f"--distribution={system.distribution}", f"--log={folder}/log", *options,
            ],
            cwd=ROOT, env=os.environ | {URL: url, FILE: f"{folder}/marks"},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        try:
            output, errors = driver.communicate(timeout=PATIENCE)
        except BaseException:
            os.killpg(driver.pid, signal.SIGKILL)  # with its workers
            driver.wait()
            raise
    if driver.returncode:
        raise Missing(errors.strip().rpartition("\n")[2] or f"its driver ended with {driver.returncode}")
    answer: dict[str, Any] = json.loads(output.strip().rpartition("\n")[2])
    return answer


def _installed(system: System, python: Path) -> None:
    refused = python.parents[1] / REFUSED
    reasons: dict[str, str] = json.loads(refused.read_text(encoding="utf-8")) if refused.exists() else {}
    if system.distribution in reasons:
        raise Missing(f"could not be installed: {reasons[system.distribution]}")


def _machine(place: Path) -> dict[str, str]:
    return {
        "cores": str(os.cpu_count()),
        "load": f"{os.getloadavg()[0]:.1f}",
        "disk": disk.described(place),
        "SQLite of jobledger": apsw.sqlite_lib_version(),
        "kernel": platform.release(),
    }


def _say(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
