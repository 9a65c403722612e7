"""Three hosts on one machine: network namespaces, each with a cable to the server, which can be cut without a word."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.faults.chaos.journal import Lines
from tests.faults.chaos.lines import Seen
from tests.faults.chaos.settings import Settings
from tests.faults.program import ROOT

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from jobledger.testing.postgres import OwnServer

NET = "10.213"
_NOBODY = "02:00:00:00:00:01"
"""The address of no card: what is sent to it arrives nowhere, and nobody is told."""


class Host:
    """A namespace, and a worker process in it.

    Attributes:
        name: of the namespace.
        worker: the process, once it was started.
    """

    def __init__(self, number: int, url: str, folder: Path, lease: float) -> None:
        self.name = f"jl{os.getpid()}-{number}"
        self.worker: subprocess.Popen[bytes] | None = None
        self._cable = f"jl{number}v{os.getpid()}"[:15]
        self._here, self._there = f"{NET}.{number}.1", f"{NET}.{number}.2"
        folder.mkdir()
        user = urlsplit(url).netloc.rpartition("@")[0]
        own = urlsplit(url)._replace(netloc=f"{user}@{self._here}:{urlsplit(url).port}").geturl()
        self._settings = Settings(url=own, folder=str(folder), lease=lease)

    @property
    def lines(self) -> list[Any]:
        """What its handlers have written down."""
        return Lines(self._settings.attempts_path, Seen).all

    @property
    def log(self) -> str:
        return self._settings.log_path.read_text(encoding="utf-8", errors="replace")

    def connect(self) -> None:
        """Make the namespace, and lay the cable."""
        ip("netns", "add", self.name)
        ip("link", "add", self._cable, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        ip("addr", "add", f"{self._here}/24", "dev", self._cable)
        ip("link", "set", self._cable, "up")
        ip("-n", self.name, "addr", "add", f"{self._there}/24", "dev", "eth0")
        ip("-n", self.name, "link", "set", "eth0", "up")

    def start(self) -> None:
        command = ["ip", "netns", "exec", self.name, sys.executable, "-m", "tests.faults.chaos.worker"]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT)))}
        with self._settings.log_path.open("ab") as log:
            self.worker = subprocess.Popen(
                [*command, str(self._settings.written())], cwd=ROOT, env=environment, stdout=log, stderr=log
            )

    def cut(self) -> None:
        """Nothing arrives on either side any more; connections stay as they are."""
        ip("neigh", "replace", self._there, "lladdr", _NOBODY, "dev", self._cable, "nud", "permanent")
        ip("-n", self.name, "neigh", "replace", self._here, "lladdr", _NOBODY, "dev", "eth0", "nud", "permanent")

    def heal(self) -> None:
        ip("neigh", "del", self._there, "dev", self._cable)
        ip("-n", self.name, "neigh", "del", self._here, "dev", "eth0")

    def close(self) -> None:
        if self.worker is not None:
            self.worker.kill()
            self.worker.wait()
        ip("netns", "del", self.name, check=False)


@contextmanager
def connected(server: OwnServer, url: str, folder: Path, number: int, lease: float) -> Generator[list[Host]]:
    """So many hosts whose workers have been started; the server listens to them."""
    hosts = [Host(one, url, folder / f"host{one}", lease) for one in range(number)]
    try:
        for host in hosts:
            host.connect()
        with (server._data / "pg_hba.conf").open("a", encoding="ascii") as rules:
            rules.write(f"host all all {NET}.0.0/16 scram-sha-256\n")
        server.configure(listen_addresses="*")
        server.restart()
        for host in hosts:
            host.start()
        yield hosts
    finally:
        for host in hosts:
            host.close()


def ip(*words: str, check: bool = True) -> None:
    subprocess.run(["ip", *words], check=check, capture_output=True)
