"""Where a server may live: in awkward directories, beside others."""

import os
from contextlib import ExitStack
from pathlib import Path

import pytest

from jobledger.errors import StoreError
from jobledger.testing import postgres
from jobledger.testing.postgres import place
from tests.own_postgres.memory import memory_left, memory_of
from tests.own_postgres.rows import value


@pytest.mark.parametrize(
    "name", ["with spaces, and 'quotes\" \\", "long" * 60, "ünïcödé"], ids=["spaces", "long", "accents"]
)
async def test_awkward_directories(open_directory: Path, name: str) -> None:
    directory = open_directory / name
    directory.mkdir()
    with postgres.start(directory=directory) as server:
        sockets = (server.log.parent / "sockets").resolve()
        assert len(os.fsencode(sockets)) < 90
        assert await value(server.socket_url(), "SELECT 1") == await value(server.url(), "SELECT 1") == 1
        memory = memory_of(server.log.parent)
        server.kill9()
    assert not memory_left(memory)
    assert list(directory.iterdir()) == []
    assert not sockets.exists()


async def test_several_at_once() -> None:
    """And the later ones are copies, which does not show."""
    with ExitStack() as stack:
        servers = [stack.enter_context(postgres.start()) for _ in range(3)]
        assert len({one.pid for one in servers}) == len({one.url() for one in servers}) == 3
        for one in servers:
            assert await value(one.url(), "SELECT 1") == 1
        servers[0].kill9()
        assert await value(servers[1].url(), "SELECT 1") == 1


async def test_what_is_durable_lies_on_a_disk() -> None:
    with postgres.start(durable=True) as server:
        assert await value(server.url(), "SHOW fsync") == "on"
        assert not server.log.is_relative_to(place._MEMORY)


def test_memory_is_used_if_there_is_enough(monkeypatch: pytest.MonkeyPatch, open_directory: Path) -> None:
    monkeypatch.setattr(place, "_MEMORY", open_directory)
    monkeypatch.setattr(place, "_ENOUGH", 0)
    assert place.choose_parent(durable=False, programs=False) == open_directory
    assert place.choose_parent(durable=True, programs=False) != open_directory
    monkeypatch.setattr(place, "_ENOUGH", 1 << 60)
    assert place.choose_parent(durable=False, programs=False) != open_directory


def test_a_temporary_directory_that_root_has_for_itself(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, root: None
) -> None:
    tmp_path.chmod(0o700)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert place.choose_parent(durable=True, programs=False) != tmp_path
    with pytest.raises(StoreError, match="can't be reached by the user 'nobody'"):
        postgres.start(directory=tmp_path)


def test_a_directory_that_is_not_there(open_directory: Path) -> None:
    with pytest.raises(StoreError, match=r"there is no directory .*missing"):
        postgres.start(directory=open_directory / "missing")
