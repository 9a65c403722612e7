"""A PgBouncer of one's own, in transaction mode, before a server of one's own."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from jobledger.testing.postgres import cluster
from jobledger.testing.postgres.account import account
from jobledger.testing.postgres.place import choose_parent
from tests.own_postgres.rows import value
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Generator

POOL = 3
"""Connections to the server: far fewer than to the pooler, so that these change hands all the time."""
_INI = """\
[databases]
* = host={host} port={port} user={user} password={password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {pool}
max_client_conn = 200
ignore_startup_parameters = extra_float_digits
logfile = {log}
"""


@contextmanager
def pgbouncer(url: str) -> Generator[str]:
    """The URL of the same database through a pooler; it refuses to run as root, so it does not."""
    with TemporaryDirectory(dir=choose_parent(durable=False, programs=False)) as folder:
        account().own(Path(folder))
        with _running(urlsplit(url), Path(folder)) as pooled:
            yield pooled


@contextmanager
def _running(parts: SplitResult, folder: Path) -> Generator[str]:
    own, who = cluster.free_port(), account()
    ini = folder / "pgbouncer.ini"
    ini.write_text(
        _INI.format(
            host=parts.hostname, port=parts.port, user=parts.username, password=parts.password, own=own, pool=POOL,
            log=folder / "log",
        )
    )  # fmt: skip
    who.own(ini)
    process = cluster.spawn(["pgbouncer", str(ini)], who, folder, subprocess.DEVNULL)
    try:
        yield parts._replace(netloc=f"{parts.username}@127.0.0.1:{own}").geturl()
    finally:
        process.kill()
        process.wait()


async def until_it_answers(url: str) -> None:
    async def answers() -> bool:
        try:
            return await value(url, "SELECT 1") == 1
        except OSError:
            return False

    await until(answers, "the pooler answers")
