"""What is seen of processes, with and without /proc."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from jobledger.testing.postgres import processes
from tests.waiting import until_blocking

NEST = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()', '-D /some where/data'])"


@pytest.fixture
def nest() -> Iterator[subprocess.Popen[bytes]]:
    """A process and its child, which waits."""
    one = subprocess.Popen([sys.executable, "-c", NEST], stdin=subprocess.PIPE)
    until_blocking(lambda: len(processes.family(one.pid)) == 2, "the child has started")
    yield one
    processes.kill(one.pid)
    one.communicate()


@pytest.fixture(params=["by /proc", pytest.param("by ps", marks=pytest.mark.debian("procps", "ps"))])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "by ps":
        monkeypatch.setattr(processes, "_has_proc", lambda: False)
    elif not processes._has_proc():
        pytest.skip("this system has no /proc")


def test_a_family_is_frozen_and_killed(way: None, nest: subprocess.Popen[bytes]) -> None:
    family = processes.family(nest.pid)
    (child,) = family - {nest.pid}
    assert "-D /some where/data" in processes.commands()[child]
    assert processes.freeze(nest.pid) == family
    assert processes.states(family) == ["T", "T"]
    processes.thaw(nest.pid)
    until_blocking(lambda: "T" not in processes.states(family), "they go on")
    processes.kill(nest.pid)
    assert processes.states(family) == []
    assert processes.family(nest.pid) == set()


def test_what_is_gone(way: None) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    assert processes.states([gone.pid]) == []
    assert processes.freeze(gone.pid) == set()
    processes.thaw(gone.pid)
    processes.kill(gone.pid)


def test_one_that_nobody_has_waited_for_is_dead(way: None) -> None:
    dead = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert processes.family(dead.pid) == {dead.pid}
    os.kill(dead.pid, signal.SIGKILL)
    until_blocking(lambda: not processes.states([dead.pid]), "it is dead")
    assert processes.family(dead.pid) == set()
    dead.communicate()


def test_it_is_said_what_was_waited_for() -> None:
    with pytest.raises(TimeoutError, match=r"waited 0\.01 s in vain until pigs fly"):
        processes.until(lambda: False, "pigs fly", 0.01)
