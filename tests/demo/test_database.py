"""The demo replaces its own database, and never anything else."""

import socket
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from jobledger import App
from jobledger.cli.demo.database import clear, inputs_of, seen_of, url_of
from jobledger.cli.demo.files import write_known_bad
from jobledger.errors import NotAStore, StoreError
from tests.demo.commands import jobledger

MEASURE = "stdlib.measure"


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def listing(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def a_letter(path: Path) -> None:
    path.write_text("dear reader\n")


def nothing(path: Path) -> None:
    path.touch()


def a_database(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = wal")
    connection.execute("CREATE TABLE mine (secret TEXT)")
    connection.close()


@pytest.mark.parametrize("write", [a_letter, nothing, a_database])
def test_a_foreign_file_stays_as_it_is(tmp_path: Path, write: Callable[[Path], None]) -> None:
    write(tmp_path / "mine.db")
    before = listing(tmp_path)
    ran = jobledger("demo", "--db", "mine.db", cwd=tmp_path)
    assert ran.returncode == 1
    assert "stays as it is" in ran.stderr
    assert "--db" in ran.stderr
    assert listing(tmp_path) == before


async def test_a_store_with_other_jobs_stays(tmp_path: Path) -> None:
    path = tmp_path / "jobs.db"
    async with App(url_of(path)) as app:
        await app.declare("email.send")
        await app.declare(MEASURE)
    with pytest.raises(NotAStore, match=r"email\.send"):
        await clear(path)
    assert path.exists()


async def test_a_directory_stays(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(NotAStore, match="stays as it is"):
        await clear(tmp_path / "folder")
    assert (tmp_path / "folder").is_dir()


async def test_a_directory_that_is_missing_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no directory"):
        await clear(tmp_path / "missing" / "demo.db")
    assert not (tmp_path / "missing").exists()


async def test_a_file_where_the_inputs_should_go_stays(tmp_path: Path) -> None:
    inputs_of(tmp_path / "demo.db").touch()
    with pytest.raises(StoreError, match="choose another file"):
        await clear(tmp_path / "demo.db")
    assert list(listing(tmp_path)) == ["demo-inputs"]


async def test_a_store_in_use_stays(tmp_path: Path) -> None:
    path = tmp_path / "demo.db"
    async with App(url_of(path)) as app:
        await app.declare(MEASURE)
        await app.jobs.submit(MEASURE, {"path": "x"})
        ran = jobledger("demo", "--db", "demo.db", cwd=tmp_path)
        assert ran.returncode == 1
        assert "stop it first" in ran.stderr
    assert path.exists()


async def test_a_store_of_the_demo_makes_way(tmp_path: Path) -> None:
    """With all that stands beside it, but not with what somebody else has put there."""
    path = tmp_path / "demo.db"
    async with App(url_of(path)) as app:
        await app.declare(MEASURE)
    write_known_bad(inputs_of(path), 2)
    (inputs_of(path) / "mine.txt").touch()
    seen_of(path).touch()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bell:  # as a worker that was killed leaves it
        bell.bind(f"{path}-wake-1")
    await clear(path)
    assert names_in(tmp_path) == ["demo-inputs"]
    assert list(listing(inputs_of(path))) == ["mine.txt"]
