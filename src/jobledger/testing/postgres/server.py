"""A PostgreSQL server of one's own: started, broken and ended at will."""

from __future__ import annotations

import signal
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Literal, TypeAlias
from urllib.parse import quote

from jobledger.errors import StoreError
from jobledger.testing.postgres import cluster, pristine, processes
from jobledger.testing.postgres.databases import Server

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from jobledger.testing.postgres.account import Account
    from jobledger.testing.postgres.cluster import Setting
    from jobledger.testing.postgres.installation import Installation
    from jobledger.testing.postgres.place import Place

Mode: TypeAlias = Literal["smart", "fast", "immediate"]

_SIGNALS: Final[Mapping[Mode, signal.Signals]] = {
    "smart": signal.SIGTERM,
    "fast": signal.SIGINT,
    "immediate": signal.SIGQUIT,
}
_PATIENCE: Final = 40.0
_TRIES: Final = 5
_TAKEN: Final = "Address already in use"
_READY: Final = "ready"
_LAST_LINES: Final = 15
_STRATEGIES: Final = 150000
"""The version from which on one may say how a database is copied; before, it was always by files."""


class OwnServer(Server):
    """A server that :func:`jobledger.testing.postgres.start` made; it ends with this process, however that ends.

    It listens on a port of 127.0.0.1 and on a Unix socket, both of which it keeps as long as it lives. The databases
    that were made in it go with it.

    Attributes:
        installation: the programs that it runs.
        log: the path of what it says.
    """

    def __init__(
        self,
        installation: Installation,
        place: Place,
        account: Account,
        *,
        settings: Mapping[str, Setting],
        locale: str,
        copy: bool,
    ) -> None:
        self.installation = installation
        self.log = place.path / "log"
        self._place = place
        self._account = account
        self._data = place.path / processes.DATA
        self._process: subprocess.Popen[bytes] | None = None
        account.own(place.sockets.resolve())
        place.sockets.resolve().chmod(0o700)
        password = pristine.provide(installation, place, account, locale, copy=copy)
        cluster.configure(self._data, {"unix_socket_directories": f'"{self._sockets}"', **settings})
        self._start_on_a_free_port(password)

    @property
    def pid(self) -> int | None:
        """The number of its first process; None while it is down."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def socket_url(self, database: str = cluster.USER) -> str:
        """The URL of a database, by the Unix socket: for this process's own user, and without a password."""
        return f"postgresql://{cluster.USER}@/{database}?host={quote(str(self._sockets))}&port={self._url.port}"

    def start(self) -> None:
        """Start it again, after a stop or a crash; gives back when it takes connections.

        Raises:
            StoreError: it did not start; says what the server said.
        """
        if self.pid is not None:
            return
        command = [self.installation.program("postgres"), "-D", str(self._data)]
        with self.log.open("ab") as log:
            self._process = cluster.spawn(command, self._account, self._place.path, log)
        try:
            processes.until(lambda: self.pid is None or self._is_ready(), "the server is ready", _PATIENCE)
        except TimeoutError as error:
            raise self._failed("is not ready") from error
        if self.pid is None:
            raise self._failed("ended at once")

    def stop(self, mode: Mode = "fast") -> None:
        """Stop it; a paused server is resumed for that.

        Args:
            mode: "smart" waits until all clients have gone, "fast" cuts them off, "immediate" also leaves its files as
                they are, to be recovered at the next start.

        Raises:
            StoreError: it is still there after a while.
        """
        if self._process is None or self.pid is None:
            return
        self.resume()
        self._process.send_signal(_SIGNALS[mode])
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired as error:
            raise self._failed(f"did not stop ({mode})") from error

    def restart(self, mode: Mode = "fast") -> None:
        """Stop it and start it again, on the same port.

        Raises:
            StoreError: as :meth:`stop` and :meth:`start`.
        """
        self.stop(mode)
        self.start()

    def pause(self) -> None:
        """Freeze all its processes: connections stay open and nothing answers."""
        if self.pid is not None:
            processes.freeze(self.pid)

    def resume(self) -> None:
        """Let a paused server go on."""
        if self.pid is not None:
            processes.thaw(self.pid)

    def kill9(self) -> None:
        """Kill all its processes at once, as if the machine had gone: no client hears a word."""
        if self._process is not None and self.pid is not None:
            processes.kill(self.pid)
            self._process.wait()

    def configure(self, **settings: Setting) -> None:
        """Change settings; they hold from the next start on."""
        cluster.configure(self._data, settings)

    def close(self) -> None:
        """End it and remove its files."""
        if self.pid is None and (self._data / "postmaster.pid").exists():
            with suppress(StoreError):  # broken on purpose, perhaps
                self.start()  # it was killed: only a server itself gives back its shared memory
        try:
            self.stop("immediate")
        finally:
            self._place.close()

    @property
    def _admin_url(self) -> str:
        return self.socket_url()

    @property
    def _create_statement(self) -> str:
        return "create_by_files" if self.installation.version >= _STRATEGIES else "create"

    @property
    def _sockets(self) -> Path:
        return self._place.sockets.resolve()

    def _start_on_a_free_port(self, password: str) -> None:
        for last in (False,) * _TRIES + (True,):
            port = cluster.free_port()
            super().__init__(f"postgresql://{cluster.USER}:{password}@{cluster.HOST}:{port}/{cluster.USER}")
            cluster.configure(self._data, {"port": port})
            try:
                self.start()
            except StoreError:
                if last or _TAKEN not in self._last_words():
                    raise
            else:
                return

    def _is_ready(self) -> bool:
        """By the file in which it says who it is: one of an earlier start has another number."""
        with suppress(FileNotFoundError):
            lines = (self._data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
            return lines[:1] == [str(self.pid)] and lines[-1].strip() == _READY
        return False

    def _failed(self, what: str) -> StoreError:
        return StoreError(f"PostgreSQL {self.installation.name} {what}; its last words:\n{self._last_words()}")

    def _last_words(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-_LAST_LINES:])
