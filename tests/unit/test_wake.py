"""Sockets for wake-ups: where they are, who may ring, and what happens without them."""

from __future__ import annotations

import logging
import os
import socket
import stat
import tempfile
import threading
from typing import TYPE_CHECKING

import pytest

from jobledger._core.commands import Submit
from jobledger._core.priority import Stride
from jobledger._store.contract import Claim, Declaration, Group
from jobledger._store.sqlite.store import SqliteStore
from jobledger._store.sqlite.wake import Ear, ring
from tests.desk import Desk
from tests.waiting import until_blocking

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "jobs.db"
    path.touch(mode=0o640)
    return path


def test_a_ring_is_heard(database: Path) -> None:
    heard = threading.Event()
    ear = Ear(database, lambda _: heard.set())
    assert ear.name is not None
    ring(database, [ear.name])
    assert heard.wait(10)
    ear.close()


def test_what_it_is_about_is_heard(database: Path) -> None:
    """Types that are named, all of them together; one that names none means any."""
    going, heard = threading.Event(), list[frozenset[int]]()

    def busy(types: frozenset[int]) -> None:
        heard.append(types)
        going.wait(10)

    ear = Ear(database, busy)
    assert ear.name is not None
    ring(database, [ear.name], frozenset({7}))
    until_blocking(lambda: heard, "the first is heard")
    for types in ({1, 2}, {2, 30}):
        ring(database, [ear.name], frozenset(types))
    going.set()
    until_blocking(lambda: len(heard) == 2, "the others are heard")
    for types in ({1}, set[int]()):
        ring(database, [ear.name], frozenset(types))
    until_blocking(lambda: frozenset[int]() in heard, "the last is heard")
    assert heard[:2] == [{7}, {1, 2, 30}]
    ear.close()


def test_many_rings_are_heard_and_none_blocks(database: Path) -> None:
    """A full buffer has rung already."""
    going, heard = threading.Event(), [0]

    def busy(_: frozenset[int]) -> None:
        heard[0] += 1
        going.wait(10)

    ear = Ear(database, busy)
    assert ear.name is not None
    for _ in range(5_000):
        ring(database, [ear.name])
    going.set()
    ring(database, [ear.name])
    until_blocking(lambda: heard[0] > 1, "what rang meanwhile is heard")
    assert heard[0] < 1_000
    ear.close()


def test_the_dead_are_rung_in_vain(database: Path) -> None:
    ear = Ear(database, lambda _: None)
    name = ear.name
    assert name is not None
    left = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    left.bind(str(database.with_name("left-behind")))
    left.close()
    ear.close()
    ring(database, [name, "left-behind", "x" * 200])


def test_closing_removes_the_socket_and_ends_the_thread(database: Path) -> None:
    ear = Ear(database, lambda _: None)
    assert ear.name is not None
    assert database.with_name(ear.name).is_socket()
    ear.close()
    ear.close()
    assert not database.with_name(ear.name).exists()
    until_blocking(lambda: "jobledger wake" not in {t.name for t in threading.enumerate()}, "the thread has ended")


def test_who_may_write_the_database_may_ring(database: Path) -> None:
    ear = Ear(database, lambda _: None)
    assert ear.name is not None
    assert stat.S_IMODE(database.with_name(ear.name).stat().st_mode) == 0o640
    ear.close()


def test_a_path_too_long_for_a_socket_gets_a_short_one(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    database = deep / "jobs.db"
    database.touch()
    heard = threading.Event()
    ear = Ear(database, lambda _: heard.set())
    assert ear.name is not None
    assert ear.name.startswith(f"{tempfile.gettempdir()}/jobledger-")
    assert len(os.fsencode(ear.name)) <= 100
    ring(database, [ear.name])
    assert heard.wait(10)
    ear.close()
    assert not os.path.lexists(ear.name)


def test_without_sockets_it_says_so_once(
    database: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """And the worker looks by itself."""

    def refused(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(socket, "socket", refused)
    with caplog.at_level(logging.WARNING):
        ear = Ear(database, lambda _: None)
    assert ear.name is None
    assert len(caplog.records) == 1
    assert "looking four times a second instead" in caplog.text
    ear.close()


def test_what_is_started_at_once_wakes_nobody(store_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is nothing left for others."""
    desk = Desk(store_path, (Declaration("work", "work"),))
    rings: list[object] = []
    monkeypatch.setattr(SqliteStore, "_others", lambda *_: ["other"])
    monkeypatch.setattr("jobledger._store.sqlite.store.ring", lambda *said: rings.append(said[-1]))
    new = [
        Submit(id=f"00000000-0000-7000-8000-00000000000{n}", type_id=desk.types["work"], payload=b"{}", priority=2)
        for n in range(3)
    ]
    two = Claim((Group(desk.handled, 2, Stride()),))
    desk.send(new[0], new[1], claim=two)
    assert rings == []
    desk.send(new[2])
    assert len(rings) == 1
    desk.send(claim=two)
    assert len(rings) == 1
