"""The demo's App as its own workers load it: their handlers write down what they see, and they end with the demo.

The demo starts them as ``jobledger worker jobledger.cli.demo.serving:app``, and keeps their stdin open.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import warnings
from pathlib import Path
from typing import Final

from jobledger.cli.demo.handlers import app, witness

__all__ = ["app"]

SEEN_VARIABLE: Final = "JOBLEDGER_DEMO_SEEN"
"""Names the file of the witnesses in the environment of a worker."""
_STDIN: Final = 0


def _end_with_demo() -> None:
    """However the demo ends, its end of the pipe is closed then."""
    while os.read(_STDIN, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if SEEN_VARIABLE in os.environ:
    witness.write_to(Path(os.environ[SEEN_VARIABLE]))
    logging.getLogger("jobledger").setLevel(logging.WARNING)
    logging.getLogger("jobledger.outcome").setLevel(logging.CRITICAL)  # many jobs fail on purpose, and are reported
    warnings.simplefilter("ignore")  # parsing warns of what other people have written
    threading.Thread(target=_end_with_demo, name="jobledger demo", daemon=True).start()
