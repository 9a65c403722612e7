"""The data directory of a server, and its settings."""

from __future__ import annotations

import os
import random
import secrets
import socket
import subprocess
from contextlib import closing
from typing import IO, TYPE_CHECKING, Final, TypeAlias

from jobledger.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from jobledger.testing.postgres.account import Account
    from jobledger.testing.postgres.installation import Installation

Setting: TypeAlias = bool | int | float | str

HOST: Final = "127.0.0.1"
USER: Final = "postgres"

_PORTS: Final = range(15000, 32000)
"""Below those that systems give to outgoing connections, so that the port is still free after a restart."""
_PRIVATE: Final = 0o700


def make(installation: Installation, data: Path, account: Account, locale: str) -> str:
    """Make the data directory; gives the password of its superuser, which only TCP connections need.

    Raises:
        StoreError: `initdb` failed; says what it said.
    """
    password = secrets.token_hex(16)
    data.mkdir(mode=_PRIVATE)
    account.own(data)
    secret = data.with_name("password")
    with os.fdopen(os.open(secret, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        file.write(password)
    account.own(secret)
    try:
        _initdb(installation, data, account, f"--pwfile={secret}", f"--locale={locale}")
    finally:
        secret.unlink()
    return password


def spawn(command: Sequence[str], account: Account, cwd: Path, output: IO[bytes] | int) -> subprocess.Popen[bytes]:
    """Start a program of PostgreSQL, apart from this process's terminal and signals."""
    root = os.geteuid() == 0
    return subprocess.Popen(  # noqa: S603
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        cwd=cwd,
        env=_environment(),
        start_new_session=True,
        user=account.uid if root else None,
        group=account.gid if root else None,
        extra_groups=[] if root else None,
    )


def configure(data: Path, settings: Mapping[str, Setting]) -> None:
    """Add settings; they hold from the next start on, over those that were there before."""
    lines = "".join(f"{name} = {_written(value)}\n" for name, value in settings.items())
    with (data / "postgresql.conf").open("a", encoding="utf-8") as file:
        file.write(lines)


def free_port() -> int:
    """A port that nobody listens on now."""
    for port in random.sample(_PORTS, len(_PORTS)):
        with closing(socket.socket()) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tried.bind((HOST, port))
            except OSError:
                continue
            return port
    message = f"no port of {HOST} is free between {_PORTS.start} and {_PORTS.stop}: end some servers"
    raise StoreError(message)


def _initdb(installation: Installation, data: Path, account: Account, *options: str) -> None:
    command = [installation.program("initdb"), "-D", str(data), f"--username={USER}", "--encoding=UTF8"]
    command += ["--auth-local=trust", "--auth-host=scram-sha-256", "--no-sync", "--no-instructions", *options]
    with spawn(command, account, data.parent, subprocess.PIPE) as made:
        said, _ = made.communicate()
    if made.returncode:
        message = f"{command[0]} could not make {data}: {said.decode(errors='replace').strip()}"
        raise StoreError(message)


def _environment() -> dict[str, str]:
    """Without what libpq's variables say of another server; messages are in English, since some are read."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C"}


def _written(value: Setting) -> str:
    text = {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
