"""The stores of a comparison: fresh files, databases of a PostgreSQL of our own, and Redis servers of our own."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from benchmarks.command import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path
    from typing import Self

    from benchmarks.peers.catalog import System
    from jobledger.testing.postgres import OwnServer

PATIENCE = 10.0
MODES = {"redis": ("--appendonly", "no"), "synced redis": ("--appendonly", "yes", "--appendfsync", "always")}


class Missing(Exception):
    """Something that a peer needs is not here; says what."""


class Servers:
    """Made when they are first needed; they end with the block.

    Args:
        directory: where they keep their data; None lets the PostgreSQL choose one on a disk.
    """

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if "postgres" in self.__dict__:
            self.postgres.close()

    @cached_property
    def postgres(self) -> OwnServer:
        """Every commit is synced: fsync and synchronous_commit are on."""
        from jobledger.testing.postgres import start

        return start(durable=True, directory=self._directory, settings=SETTINGS)

    @property
    def described(self) -> dict[str, str]:
        """What is known of those that were needed."""
        known = {"Redis": redis_version()} if shutil.which("redis-server") else {}
        if "postgres" in self.__dict__:
            major, minor = divmod(self.postgres.version, 10_000)
            known["PostgreSQL"] = f"{major}.{minor}, fsync and synchronous_commit on"
        return known

    @contextmanager
    def store(self, system: System, folder: Path) -> Generator[str]:
        """An empty store for one run, as its system names it.

        Raises:
            Missing: the server that it needs is not here.
        """
        match system.store:
            case "sqlite":
                path = folder / "jobs.db"
                yield f"sqlite:///{path}?durability=power" if system.module == "jobledger" else str(path)
            case "postgres":
                with self._needed_postgres().database() as url:
                    yield url
            case "redis" | "synced redis":
                with _redis(folder, MODES[system.store]) as url:
                    yield url

    def _needed_postgres(self) -> OwnServer:
        from jobledger.errors import StoreError

        try:
            return self.postgres
        except StoreError as error:
            raise Missing(f"needs a PostgreSQL: {error}") from error


def redis_version() -> str:
    """As in "7.0.15"."""
    answer = subprocess.run(["redis-server", "--version"], check=True, capture_output=True, text=True).stdout
    return next((word.removeprefix("v=") for word in answer.split() if word.startswith("v=")), "unknown")


@contextmanager
def _redis(folder: Path, mode: tuple[str, ...]) -> Generator[str]:
    """A Redis on a free port of this machine, without snapshots, which would be taken at random moments."""
    executable = shutil.which("redis-server")
    if executable is None:
        raise Missing("needs redis-server, which is not on PATH")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    place = ("--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder))
    server = subprocess.Popen([executable, *place, "--save", "", *mode], stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + PATIENCE
        while not _answers(port):
            if server.poll() is not None or time.monotonic() > deadline:
                raise Missing("needs redis-server, and the one here does not start")
            time.sleep(0.02)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait()


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1):
            return True
    except OSError:
        return False
