"""Holds a server: says where it is, what runs it and as whom, and waits to be killed.

Arguments: a directory; how the server is: "running", "frozen", or "tried out" before; and a user's number, if this
program shall give up being root first.
"""

import os
import sys
from pathlib import Path

from jobledger.testing import postgres

_, directory, state, user = sys.argv
if user != "-":
    os.setgroups([])
    os.setgid(int(user))
    os.setuid(int(user))

with postgres.start(directory=Path(directory)) as server:
    if state == "tried out":
        with server.database():
            server.restart("immediate")
            server.kill9()
            server.start()
    if state == "frozen":
        server.pause()
    owner = Path(f"/proc/{server.pid}").stat().st_uid if sys.platform == "linux" else -1
    print(server.pid, owner, server.url(), flush=True)  # noqa: T201 - the test reads it
    sys.stdin.read()
