"""The command line in a process of its own."""

import subprocess
import sys
from pathlib import Path


def jobledger(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run it, and keep what it says."""
    return subprocess.run(
        [sys.executable, "-m", "jobledger", *words], cwd=cwd, capture_output=True, text=True, check=False
    )
