"""The chaos' own rules: what may cost a worker its jobs, who is struck, and when what is left is stuck."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from jobledger import App
from tests.faults.chaos.lines import Enlisted, Signalled
from tests.faults.chaos.losses import UNHIT, Losses
from tests.faults.chaos.run import _Chaos
from tests.faults.chaos.settings import Settings
from tests.faults.chaos.strike import Striker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LEASE = 1.0
"""A renewal is due after a quarter of it, a silence counts from seven tenths on."""


def unexplained(*, started: float | None, signal: str, at: float, until: float) -> int:
    """How many losses nobody caused, of one attempt that started then, by a worker that had this signal; seconds."""
    lost = SimpleNamespace(
        job=SimpleNamespace(id="job", status="ready"),
        type="plain",
        began=SimpleNamespace(run=1, writer_id=7),
        started=None if started is None else SimpleNamespace(at=round(started * 1e9)),
        ended=None,
        outcome=SimpleNamespace(name="lost"),
        was_lost=True,
        was_running=True,
        was_unsettled=False,
        had_not_begun=started is None,
        wrong=None,
    )
    attempts: Any = SimpleNamespace(all=[lost], unbooked=[], doubled=[])
    signals = [Signalled("worker", 4711, signal, round(at * 1e9), round(until * 1e9))]
    found = Losses(attempts, [Enlisted(7, 4711)], signals, LEASE).findings()
    return sum(finding.rule == UNHIT for finding in found)


@pytest.mark.parametrize(
    ("started", "signal", "at", "until", "expected"),
    [
        pytest.param(1.0, "stop", 2.0, 4.0, 0, id="it was running when its worker was stopped"),
        pytest.param(4.2, "stop", 2.0, 4.0, 0, id="it began when its worker went on, before that noticed"),
        pytest.param(4.3, "stop", 2.0, 4.0, 1, id="by then it must have noticed"),
        pytest.param(1.0, "stop", 2.0, 2.6, 1, id="too short a stop"),
        pytest.param(1.0, "kill", 2.0, 2.0, 0, id="a kill needs no time"),
        pytest.param(None, "stop", 2.0, 4.0, 0, id="it never began"),
        pytest.param(1.0, "clock", 2.0, 9.0, 1, id="a clock costs nobody his jobs"),
    ],
)
def test_what_explains_a_loss(started: float | None, signal: str, at: float, until: float, expected: int) -> None:
    assert unexplained(started=started, signal=signal, at=at, until=until) == expected


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def struck(process: subprocess.Popen[bytes]) -> tuple[Striker, list[Any], list[Any]]:
    """After one strike at this worker: the striker, who was replaced, and what was written down."""
    replaced, lines = list[Any](), list[Any]()
    crew: Any = SimpleNamespace(
        submitter=None, victims=[SimpleNamespace(process=process)], replace=replaced.append, replace_submitter=None
    )
    journal: Any = SimpleNamespace(write=lines.append)
    striker = Striker(crew, Settings(url="postgresql://host/db", folder="/nowhere"), journal)
    striker.strike()
    return striker, replaced, lines


def test_a_living_worker_is_struck_and_replaced(process: subprocess.Popen[bytes]) -> None:
    striker, replaced, lines = struck(process)
    assert (striker.kills, len(replaced), len(lines)) == (1, 1, 1)
    assert process.poll() is not None


def test_one_that_is_dead_already_is_not(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    striker, replaced, lines = struck(process)
    assert (striker.kills, replaced, lines) == (0, [], [])


class Crew:
    """Submits as long as it is said to, and its handlers write so many lines."""

    def __init__(self, settings: Settings, *, submits: bool, lines: int) -> None:
        self.submitter = object() if submits else None
        self.left = lines
        self._path = settings.attempts_path

    def watch(self) -> None:
        if self.left:
            self.left -= 1
            with self._path.open("a") as file:
                file.write("line\n")


async def drained(folder: Path, *, submits: bool, lines: int) -> tuple[float | None, Crew]:
    url = f"sqlite:///{folder}/jobs.db"
    async with App(url):
        pass
    settings = Settings(url=url, folder=str(folder), patience=0.2)
    settings.attempts_path.touch()
    chaos, crew = _Chaos.__new__(_Chaos), Crew(settings, submits=submits, lines=lines)
    chaos._settings, chaos._crew = settings, crew  # type: ignore[assignment]
    return chaos.drain(), crew


async def test_what_has_ended_is_drained(tmp_path: Path) -> None:
    took, _ = await drained(tmp_path, submits=False, lines=0)
    assert took is not None


async def test_a_standstill_is_not(tmp_path: Path) -> None:
    took, _ = await drained(tmp_path, submits=True, lines=0)
    assert took is None


async def test_what_still_moves_is_waited_for(tmp_path: Path) -> None:
    """Twenty lines, each a fiftieth of a second after the one before, take twice as long as a standstill may."""
    took, crew = await drained(tmp_path, submits=True, lines=20)
    assert (took, crew.left) == (None, 0)
