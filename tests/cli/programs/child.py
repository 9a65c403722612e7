"""The child of a supervisor, as bad as it is asked to be. It knows nothing but the line."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

what, supervised = sys.argv[1], sys.argv[-1]
line = socket.socket(fileno=int(supervised.removeprefix("--supervised=")))


def say_ready() -> None:
    line.sendall(b'{"type":"ready","store":"sqlite:///none.db","types":["a"]}\n')


def refuse() -> None:
    line.sendall(b'{"type":"refused","error":{"type":"InvalidOption","message":"no such thing","data":{}}}\n')
    sys.exit(2)


def wait() -> None:
    while line.recv(1):
        pass


match what:
    case "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        subprocess.Popen([sys.executable, "-c", "import signal; signal.alarm(45); signal.pause()"])  # holds stdout
        say_ready()
        wait()
    case "mute":
        wait()
    case "once":  # the first one becomes ready, its successors don't
        try:
            os.close(os.open("first", os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            wait()
        else:
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
            say_ready()
        wait()
    case "refused":
        refuse()
    case _:
        if Path("broken").exists():
            refuse()
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        say_ready()
        wait()
