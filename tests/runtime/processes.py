"""Programs of this folder, run as processes of their own."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def start(program: str, *arguments: object, package: str = "tests.runtime.programs") -> subprocess.Popen[str]:
    """Start a program of a package; what it prints can be read line by line."""
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT))),
        "PYTHONWARNINGS": "error",
    }
    command = [sys.executable, "-m", f"{package}.{program}", *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)


def said(process: subprocess.Popen[str]) -> str:
    """The next line that it prints."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def ended(process: subprocess.Popen[str], timeout: float = 20) -> int:
    """Wait for its end: its exit status."""
    try:
        return process.wait(timeout)
    finally:
        process.kill()
        if process.stdout is not None:
            process.stdout.close()
