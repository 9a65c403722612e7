"""`jobledger serve` in a process of its own: what a Prometheus scrapes."""

from __future__ import annotations

import json
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.faults.program import started

if TYPE_CHECKING:
    from collections.abc import Generator


@contextmanager
def endpoint(url: str) -> Generator[str]:
    """Serve a store on a free port: the target, as ``127.0.0.1:40123``."""
    with served(url) as (target, _):
        yield target


@contextmanager
def served(url: str) -> Generator[tuple[str, subprocess.Popen[bytes]]]:
    """The target, and the process that serves it."""
    process = started("jobledger", "serve", "--url", url, "--port", 0, "--json", output=subprocess.PIPE)
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["address"].removeprefix("http://"), process
    finally:
        process.kill()
        process.communicate()
