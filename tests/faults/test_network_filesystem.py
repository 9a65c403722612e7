"""A file system in user space, really mounted: the kernel's own word for it, and a store that is refused there."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobledger import App
from jobledger._store.sqlite.filesystem import network_filesystem
from jobledger.errors import NetworkFileSystem

pytestmark = pytest.mark.debian("bindfs", "bindfs")


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Path]:
    behind, mounted = tmp_path / "behind", tmp_path / "mounted here"
    behind.mkdir()
    mounted.mkdir()
    if os.geteuid() or not os.access("/dev/fuse", os.R_OK | os.W_OK):
        pytest.skip("only root may mount here, and /dev/fuse must be there")
    tried = subprocess.run(["bindfs", behind, mounted], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"nothing can be mounted here: {tried.stderr.strip()}")
    yield mounted
    subprocess.run(["umount", "--lazy", mounted], check=True)


def content(folder: Path) -> list[Path]:
    return [*folder.iterdir()]


async def test_a_store_is_refused_there(mounted: Path) -> None:
    """For writing and for reading; nothing is created."""
    assert network_filesystem(mounted / "jobs.db") == "fuse"
    assert network_filesystem(mounted.parent / "jobs.db") is None
    for read_only in (False, True):
        with pytest.raises(NetworkFileSystem, match=r"network file system \(fuse\)"):
            async with App(f"sqlite:///{mounted}/jobs.db", read_only=read_only):
                pass
    assert content(mounted) == []


async def test_it_works_if_it_is_forced(mounted: Path) -> None:
    """One machine, one kernel: here it does hold."""
    app = App(f"sqlite:///{mounted}/jobs.db?filesystem=any&durability=off")

    @app.job("work")
    async def work() -> str:
        return "done"

    async with app.worker():
        assert await work.result(await work.submit(), wait=5) == "done"
        assert (await app.metrics.audit()).balanced
