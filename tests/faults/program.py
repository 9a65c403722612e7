"""Modules of the tests, run as processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parents[2]


def started(
    module: str,
    *arguments: object,
    output: IO[bytes] | int | None = None,
    reads: bool = False,
    variables: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start `python -m module`; what it prints goes to ``output``, and it may read what it is sent."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT))), **(variables or {})}
    command = [sys.executable, "-m", module, *map(str, arguments)]
    errors = None if output in {None, subprocess.PIPE} else output
    entry = subprocess.PIPE if reads else None
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdin=entry, stdout=output, stderr=errors)
