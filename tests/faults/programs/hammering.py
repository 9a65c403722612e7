"""Commits as fast as it can, and writes the log back behind nearly every one of them: ``hammering FILE JOBS``."""

import sys
import time
from pathlib import Path

from jobledger._core import commands as c
from jobledger._store.contract import Declaration, Enlistment
from jobledger._store.sqlite.store import SqliteStore
from jobledger.conformance.writer import Writer

PAGES = 2
"""Of the log, from which on it is written back; usually it is a thousand."""

store = SqliteStore(Path(sys.argv[1]), lambda: time.time_ns() // 1000, "off")
(type_,) = store.declare((Declaration("mail", "mail"),), 10)
writer = Writer(store, Enlistment("client", "here", 1))
assert store._writer is not None
store._writer.wal_autocheckpoint(PAGES)
sys.stdout.write("ready\n")
sys.stdout.flush()
sys.stdin.readline()
for number in range(int(sys.argv[2])):
    writer.send(c.Submit(f"{writer.writer_id}-{number}", type_.type_id, b"{}", 2))
store.retire(writer.writer_id)
store.close()
