"""No server outlives the process that started it, however that ended; and nobody ends the server of another."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobledger.errors import StoreError
from jobledger.testing import postgres
from jobledger.testing.postgres import place, processes
from jobledger.testing.postgres.account import reaches
from tests.own_postgres.memory import memory_left, memory_of
from tests.own_postgres.rows import value
from tests.waiting import until_blocking

ROOT = Path(__file__).parents[2]
NOBODY = 65534


class Holder:
    """A process that holds a server, in a directory for that."""

    def __init__(self, directory: Path, state: str = "running", user: str = "-", python: str = sys.executable) -> None:
        self.directory = directory
        path = [str(ROOT), str(ROOT / "src"), *(one for one in sys.path if one.endswith("-packages"))]
        self.process = subprocess.Popen(
            [python, "-m", "tests.own_postgres.programs.hold", str(directory), state, user],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(path)},
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        said = self.process.stdout.readline().split()
        assert said, "it started no server"
        self.server, self.owner, self.url = int(said[0]), int(said[1]), said[2]
        self.family = processes.family(self.server)
        self.memory = memory_of(next(directory.iterdir()))

    @property
    def keeper(self) -> int:
        """The other child of the process."""
        (found,) = {
            pid for pid in processes.family(self.process.pid) - {self.process.pid} - self.family if is_keeper(pid)
        }
        return found

    def left(self) -> list[str]:
        return [*processes.states(self.family), *map(str, self.directory.iterdir()), *memory_left(self.memory)]

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()
        until_blocking(lambda: not self.left(), "the keeper has ended the server", 20)


def is_keeper(pid: int) -> bool:
    return "processes.py" in processes.commands().get(pid, "")


@pytest.fixture
def holder(open_directory: Path) -> Iterator[Holder]:
    one = Holder(open_directory)
    yield one
    one.close()


def test_in_order(holder: Holder) -> None:
    holder.process.communicate("")
    assert holder.process.returncode == 0
    assert holder.left() == []


def test_the_keeper_is_still_at_it(holder: Holder) -> None:
    """Then nobody else ends what it is about to end."""
    keeper = holder.keeper
    os.kill(keeper, signal.SIGSTOP)
    holder.process.kill()
    holder.process.wait()
    place.Place(holder.directory).close()
    assert len(processes.states(holder.family)) > 3
    os.kill(keeper, signal.SIGCONT)
    until_blocking(lambda: not holder.left(), "the keeper has ended the server", 20)


@pytest.mark.parametrize("state", ["running", "frozen"])
def test_the_holder_is_killed(open_directory: Path, state: str) -> None:
    holder = Holder(open_directory, state)
    assert len(holder.family) > 3
    holder.close()


def test_the_keeper_alone_is_asked_to_end(holder: Holder) -> None:
    """By a terminal that is closed, say: it has no other end than that of the process that it belongs to."""
    for what in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(holder.keeper, what)
    holder.process.kill()
    until_blocking(lambda: not holder.left(), "the keeper has ended the server", 20)


async def test_the_keeper_is_killed_too(holder: Holder) -> None:
    os.kill(holder.keeper, signal.SIGKILL)
    place.Place(holder.directory).close()
    assert await value(holder.url, "SELECT 1") == 1
    holder.process.kill()
    holder.process.wait()
    assert holder.left() != []
    place.Place(holder.directory).close()
    assert holder.left() == []


async def test_a_living_one_is_left_alone(holder: Holder) -> None:
    with postgres.start(directory=holder.directory) as another:
        assert await value(holder.url, "SELECT 1") == await value(another.url(), "SELECT 1") == 1
    assert await value(holder.url, "SELECT 1") == 1


def test_a_place_of_somebody_else_is_left_alone(open_directory: Path, root: None) -> None:
    foreign = open_directory / f"{place.PREFIX}foreign"
    foreign.mkdir()
    (foreign / "lock").touch()
    os.chown(foreign, NOBODY, NOBODY)
    place.Place(open_directory).close()
    assert foreign.is_dir()
    os.chown(foreign, os.geteuid(), -1)
    place.Place(open_directory).close()
    assert not foreign.exists()


def test_only_the_server_of_a_data_directory_is_ended(open_directory: Path) -> None:
    """Its number alone says nothing: the server may be gone, and the number somebody else's."""
    bystander = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    left = open_directory / f"{place.PREFIX}left"
    (left / processes.DATA).mkdir(parents=True)
    (left / processes.DATA / "postmaster.pid").write_text(f"{bystander.pid}\n")
    processes.end(left)
    assert not left.exists()
    assert bystander.poll() is None
    bystander.kill()
    bystander.communicate()


def test_a_start_that_fails_leaves_nothing(open_directory: Path) -> None:
    with pytest.raises(StoreError, match="unrecognized configuration parameter"):
        postgres.start(directory=open_directory, settings={"no_such_setting": 1})
    assert list(open_directory.iterdir()) == []


def python_for_all() -> str | None:
    """This interpreter, or the same version at a place that every user reaches."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    candidates = [sys.executable, f"/usr/bin/{version}", f"/usr/local/bin/{version}"]
    return next((one for one in candidates if Path(one).exists() and reaches(Path(one))), None)


def test_root_and_an_ordinary_user(open_directory: Path, root: None) -> None:
    if (python := python_for_all()) is None or not reaches(ROOT):
        pytest.skip("no other user can run this Python, or read this source")
    for user in ("-", str(NOBODY)):
        holder = Holder(open_directory, "tried out", user, python)
        assert holder.owner == NOBODY
        assert Path(f"/proc/{holder.keeper}").stat().st_uid == (0 if user == "-" else NOBODY)
        holder.close()


def test_programs_that_only_root_reaches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root: None) -> None:
    """As in a virtual environment below /root: they are run from a copy."""
    one = next(found for found in postgres.installations() if found.source == "package")
    package = one.bin.parents[1]
    shutil.copytree(one.bin.parent, tmp_path / package.name / "here")
    shutil.copytree(package.with_name(f"{package.name}.libs"), tmp_path / f"{package.name}.libs")
    tmp_path.chmod(0o700)
    monkeypatch.setenv(postgres.HOMES, str(tmp_path / package.name / "here"))
    with postgres.start() as server:
        assert server.installation.bin.is_relative_to(server.log.parent)
        assert server.installation.version == one.version
        with server.database():
            pass
