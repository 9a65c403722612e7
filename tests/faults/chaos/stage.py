"""Where a run takes place: a store of its own, and what can be done to it from outside."""

from __future__ import annotations

import os
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jobledger import App
from jobledger.testing import postgres as servers
from tests.faults.chaos.settings import BY_A_SERVER, EVERYWHERE
from tests.faults.chaos.troubles.clock import Clock
from tests.faults.chaos.troubles.full import Full
from tests.faults.chaos.troubles.network import Cut, Stall, Ways
from tests.faults.chaos.troubles.restart import Restart
from tests.faults.chaos.troubles.shift import Shift
from tests.faults.chaos.troubles.stop import Stop
from tests.faults.conftest import SmallDisk, mount, unmount

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from jobledger.testing.postgres import OwnServer
    from tests.faults.chaos.crew import Crew
    from tests.faults.chaos.settings import Fault, Settings
    from tests.faults.chaos.troubles.trouble import Trouble

_FILE_MIB, _FILE_JOBS = 128, 250
"""A small disk has so many megabytes, and one more for so many jobs."""
_SERVER_MIB, _SERVER_JOBS = 512, 125


@dataclass(frozen=True)
class Stage:
    """One store.

    Attributes:
        url: the store; ``ways``: by proxies, the last one for the submitter.
    """

    url: str
    ways: tuple[str, ...] = ()
    _disk: SmallDisk | None = None
    _server: OwnServer | None = None
    _proxies: Ways | None = None

    def troubles(self, settings: Settings, crew: Crew) -> list[Trouble]:
        """Those that are asked for, and possible here."""
        return [trouble for trouble in self._all(settings, crew) if trouble.name in settings.faults]

    def _all(self, settings: Settings, crew: Crew) -> Iterator[Trouble]:
        yield Stop(crew, settings)
        yield Shift(crew, settings)
        yield Clock(crew, settings)
        if self._disk is not None:
            yield Full(self._disk, crew, self._server)
        if self._server is not None:
            yield Restart(self._server, crew)
        if self._proxies is not None:
            yield Cut(self._proxies, crew, settings)
            yield Stall(self._proxies, crew, settings)


def possible(store: str) -> tuple[Fault, ...]:
    """All faults that a store can have here: only root may mount a small disk."""
    faults = EVERYWHERE if store == "sqlite" else (*EVERYWHERE, *BY_A_SERVER)
    return tuple(fault for fault in faults if fault != "full" or os.geteuid() == 0)


@contextmanager
def file(folder: Path, faults: tuple[Fault, ...], jobs: int) -> Generator[Stage]:
    """An SQLite file: in the folder, or on a small disk there if it is to be filled."""
    if "full" not in faults:
        yield Stage(f"sqlite:///{folder}/jobs.db")
        return
    root = folder / "disk"
    root.mkdir()
    with _small_disk(root, _FILE_MIB + jobs // _FILE_JOBS) as disk:
        yield Stage(f"{disk.url}", _disk=disk)


@contextmanager
def server(faults: tuple[Fault, ...], jobs: int, ways: int) -> Generator[Stage]:
    """A PostgreSQL server of its own, on a small disk if that is to be filled, and so many ways to it."""
    with ExitStack() as exits:
        disk = None
        if "full" in faults:
            root = Path(tempfile.mkdtemp(prefix="jobledger-chaos-disk-"))  # where the server's own user can go
            exits.callback(root.rmdir)
            disk = exits.enter_context(_small_disk(root, _SERVER_MIB + jobs // _SERVER_JOBS))
        directory = disk.root if disk else None
        own = exits.enter_context(
            servers.start(settings={"max_connections": 200, "max_wal_size": "128MB"}, directory=directory)
        )
        url = exits.enter_context(own.database(_made))
        exits.callback(own.start)  # so that the database can be dropped
        exits.callback(disk.free if disk else lambda: None)
        proxies = exits.enter_context(Ways(url, ways)) if {"cut", "stall"} & {*faults} else None
        yield Stage(url, proxies.urls if proxies else (), disk, own, proxies)


async def _made(url: str) -> None:
    async with App(url, migrate=True):
        pass


@contextmanager
def _small_disk(root: Path, mib: int) -> Generator[SmallDisk]:
    mount(root, f"size={mib}m", "mode=0755")
    try:
        yield SmallDisk(root)
    finally:
        unmount(root)
