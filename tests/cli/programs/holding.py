"""Holds something of a store and says so: the write lock, SQLite's own, or a snapshot. ``freeze`` stops it then."""

import os
import signal
import sys
import threading
from pathlib import Path

import apsw

from jobledger._store.sqlite.lockfile import lock_file


def held() -> None:
    sys.stdout.write("held\n")
    sys.stdout.flush()
    if "freeze" in sys.argv:
        os.kill(os.getpid(), signal.SIGSTOP)
    threading.Event().wait()


def main(what: str, path: Path) -> None:
    if what == "lock":
        with lock_file(path).writing(5):
            held()
    connection = apsw.Connection(str(path))
    connection.execute("BEGIN IMMEDIATE" if what == "database" else "BEGIN")
    connection.execute("SELECT count(*) FROM job").fetchall()
    held()


main(sys.argv[1], Path(sys.argv[2]))
