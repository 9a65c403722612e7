"""The command line in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path


def jobledger(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run it, and keep what it says."""
    return subprocess.run(
        [sys.executable, "-m", "jobledger", *words], cwd=cwd, capture_output=True, text=True, check=False
    )


def runs(pid: int) -> bool:
    """Whether a process runs; an orphan that has ended may stay a zombie where nobody reaps."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not (stat.exists() and stat.read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z")
