"""A process that stays inside a write transaction of a store until it reads a line: ``holding_the_lock FILE``."""

import sys
import time
from pathlib import Path

from jobledger._store.sqlite.store import SqliteStore

store = SqliteStore(Path(sys.argv[1]), lambda: time.time_ns() // 1000, "off")
with store._transaction() as pages:
    pages.number()
    sys.stdout.write("inside\n")
    sys.stdout.flush()
    sys.stdin.readline()
store.close()
