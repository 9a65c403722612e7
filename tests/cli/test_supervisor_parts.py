"""The parts of a supervisor, each by itself: pauses, places, the line, what has ended, which Python."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
from typing import Any, cast

import pytest

from jobledger.cli.worker import reaping
from jobledger.cli.worker.announcer import Announcer
from jobledger.cli.worker.backoff import Backoff
from jobledger.cli.worker.child import Child, named
from jobledger.cli.worker.lifeline import Lifeline
from jobledger.cli.worker.limits import Limits
from jobledger.cli.worker.line import Ready, Refused, Stopped, decoded, encoded
from jobledger.cli.worker.patience import Patience
from jobledger.cli.worker.place import Place
from jobledger.cli.worker.reaping import reaped
from tests.cli.shell import SOURCE
from tests.waiting import until


@pytest.mark.parametrize(("sample", "share"), [(0.0, 0.5), (0.5, 0.75), (0.999, 0.9995)])
def test_pauses_double_up_to_half_a_minute(sample: float, share: float) -> None:
    backoff = Backoff(lambda: sample)
    longest = [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    assert [backoff.after(1.0) for _ in longest] == pytest.approx([share * seconds for seconds in longest])


def test_a_worker_that_lived_for_a_minute_begins_anew() -> None:
    backoff = Backoff(lambda: 0.999999)
    assert [round(backoff.after(lived), 3) for lived in (1, 1, 59.9, 60, 1)] == [0.5, 1, 2, 0.5, 1]


@pytest.mark.parametrize("flags", [["-O", "-W", "error", "-X", "utf8=1", "-P"], ["-B", "-s"], []])
def test_children_get_the_flags_of_this_python(flags: list[str]) -> None:
    code = "from jobledger.cli.worker.interpreter import interpreter; print(*interpreter(), sep='\\n')"
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    env["PYTHONPATH"] = str(SOURCE)
    once = subprocess.run([sys.executable, *flags, "-c", code], env=env, capture_output=True, text=True, check=True)
    words = once.stdout.split("\n")[:-1]
    twice = subprocess.run([*words, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert words[0] == sys.executable
    assert len(words) == 1 + len([flag for flag in flags if flag.startswith("-")])
    assert twice.stdout == once.stdout


def test_limits_as_words_are_the_same_limits() -> None:
    assert Limits(3, None, 0.1, 10.0).words == ["--slots=3", "--grace=0.1", "--lease=10.0"]
    assert Limits(3, 0, float("inf"), 1e-05).words == ["--slots=3", "--threads=0", "--grace=inf", "--lease=1e-05"]


@pytest.mark.parametrize("said", [Ready("sqlite:///a.db", ["a"]), Refused({"message": "no"}), Stopped({"released": 2})])
def test_what_is_said_is_heard(said: Ready | Refused | Stopped) -> None:
    assert decoded(encoded(said)[:-1]) == said


def test_a_signal_without_a_name() -> None:
    assert (named(9), named(41)) == ("SIGKILL", "signal 41")


# What has ended


def until_ended(process: subprocess.Popen[bytes]) -> None:
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)


def test_who_has_ended_and_how() -> None:
    ended = subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"])
    killed = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    lives = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        killed.kill()
        until_ended(ended)
        until_ended(killed)
        assert [*reaped([ended.pid, killed.pid, lives.pid])] == [(ended.pid, 3), (killed.pid, -signal.SIGKILL)]
        assert [*reaped([ended.pid])] == [(ended.pid, reaping.UNKNOWN)], "somebody else has taken its exit code"
    finally:
        ended.returncode = killed.returncode = 0  # they are reaped
        lives.communicate()


def test_the_first_process_reaps_strangers(monkeypatch: pytest.MonkeyPatch) -> None:
    found = iter([(7, 0), (8, 256), (0, 0)])
    asked: list[int] = []

    def waitpid(pid: int, _: int) -> tuple[int, int]:
        asked.append(pid)
        return next(found)

    monkeypatch.setattr(os, "getpid", lambda: 1)
    monkeypatch.setattr(os, "waitpid", waitpid)
    assert [*reaped([8])] == [(7, 0), (8, 1)]
    assert asked == [-1, -1, -1]


# The line


def test_the_death_of_the_supervisor_is_heard_early_and_late() -> None:
    ours, theirs = socket.socketpair()
    lifeline = Lifeline(theirs.detach(), patience=float("inf"))
    heard = threading.Event()
    lifeline.when_lost(heard.set)
    assert not heard.is_set()
    ours.close()
    assert heard.wait(10)
    late = threading.Event()
    lifeline.when_lost(late.set)
    assert late.is_set()
    lifeline.say(Ready("", []))  # to nobody


def test_what_handlers_start_does_not_hold_the_line() -> None:
    ours, theirs = socket.socketpair()
    os.set_inheritable(theirs.fileno(), True)
    descriptor = theirs.detach()
    Lifeline(descriptor, patience=float("inf"))
    assert not os.get_inheritable(descriptor)
    ours.close()


async def test_what_a_child_said_last_is_heard_before_its_end() -> None:
    ours, theirs = socket.socketpair()
    ours.settimeout(0)
    process = cast("Any", type("Process", (), {"pid": 7})())
    child = Child(process, ours, cast("Any", None), lambda: 0.0)
    with theirs:  # open still: a program that a handler started may hold it
        theirs.sendall(b"nonsense\n{}\n" + encoded(Refused({"message": "no"})))
        child.end(2)
    assert (child.error, await child.ended, process.returncode) == ({"message": "no"}, 2, 2)


# A place


class Crowd:
    """Children of a place, without processes."""

    def __init__(self) -> None:
        self.born: list[Any] = []
        self.refuse = 0
        self.told: list[tuple[str, Any]] = []

    def start(self) -> Child:
        if self.refuse:
            self.refuse -= 1
            raise OSError("no more processes")
        loop = asyncio.get_running_loop()
        child = cast("Any", Child.__new__(Child))
        child.pid, child.lived, child.dismissed = len(self.born), 0.0, False
        child.ready, child.ended = loop.create_future(), loop.create_future()
        child.dismiss = lambda _: child.ended.set_result(0)
        self.born.append(child)
        return cast("Child", child)

    def __getattr__(self, name: str) -> Any:
        return lambda *told: self.told.append((name, told[-1]))


@pytest.fixture
def crowd() -> Crowd:
    return Crowd()


def place_of(crowd: Crowd, *, pause: float) -> tuple[Place, asyncio.Future[None]]:
    stopping: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    backoff = cast("Backoff", type("Fixed", (), {"after": lambda _, __: pause})())
    return Place(crowd.start, cast("Announcer", crowd), backoff, Patience(0), stopping), stopping


async def test_a_successor_takes_a_place_that_waits(crowd: Crowd) -> None:
    place, stopping = place_of(crowd, pause=3600)
    keeping = asyncio.create_task(place.keep())
    await until(lambda: crowd.born, "one was started")
    crowd.born[0].ended.set_result(1)
    await until(lambda: crowd.told, "its end is told")
    replacing = asyncio.create_task(place.replace())
    await until(lambda: len(crowd.born) == 2, "a successor was started")
    crowd.born[1].ready.set_result(None)
    assert await replacing is None
    crowd.born[1].ended.set_result(1)
    await until(lambda: len(crowd.told) == 3, "it is kept like any other")
    stopping.set_result(None)
    await keeping
    assert [name for name, _ in crowd.told] == ["restarting", "replaced", "restarting"]


async def test_a_worker_that_dies_while_its_successor_starts_is_not_started_twice(crowd: Crowd) -> None:
    place, stopping = place_of(crowd, pause=3600)
    keeping = asyncio.create_task(place.keep())
    await until(lambda: crowd.born, "one was started")
    replacing = asyncio.create_task(place.replace())
    await until(lambda: len(crowd.born) == 2, "a successor was started")
    crowd.born[1].ready.set_result(None)
    crowd.born[0].ended.set_result(1)
    assert await replacing is None
    stopping.set_result(None)
    crowd.born[1].ended.set_result(0)
    await keeping
    assert len(crowd.born) == 2
    assert place.child is crowd.born[1]


async def test_a_system_that_refuses_is_asked_again(crowd: Crowd) -> None:
    crowd.refuse = 2
    place, stopping = place_of(crowd, pause=0)
    keeping = asyncio.create_task(place.keep())
    await until(lambda: crowd.born, "one was started after all")
    crowd.refuse = 1
    assert await place.replace() == "a worker can't be started: no more processes"
    stopping.set_result(None)
    crowd.born[0].ended.set_result(0)
    await keeping
    assert [name for name, _ in crowd.told] == ["unstartable", "unstartable"]


def test_there_is_a_terminal_or_not() -> None:
    code = "from jobledger.cli.worker.terminal import Terminal; print(Terminal().went())"
    env = os.environ | {"PYTHONPATH": str(SOURCE)}
    words = [sys.executable, "-c", code]
    alone = subprocess.run(words, env=env, capture_output=True, text=True, check=True, start_new_session=True)
    assert alone.stdout == "False\n", "what was never there has not gone"
