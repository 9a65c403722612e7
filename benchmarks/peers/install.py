"""Installs the peers into the environment of the Python that runs this: ``python -m benchmarks.peers.install``.

All at once; if that fails, each by itself, so that one that does not exist for this Python does not stop the others.
Why it failed is kept for the table.
"""

from __future__ import annotations

import json
import platform
import re
import subprocess
import sys
from pathlib import Path

REFUSED = "refused.json"
"""A file of the environment: reasons, by the name of the distribution."""
_PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]


def main() -> int:
    """1 if jobledger itself can't be installed; a peer that can't be is told in the results."""
    root = Path(__file__).resolve().parents[2]
    if subprocess.run([*_PIP, "--editable", f"{root}[cli,postgres,uvloop]"], check=False).returncode:
        return 1
    lines = (root / "benchmarks/peers/requirements.txt").read_text(encoding="utf-8").splitlines()
    peers = [line.split() for line in lines if line and not line.startswith("#")]
    refused: dict[str, str] = {}
    if _reason([one for peer in peers for one in peer]):
        refused = {_name(peer[-1]): reason for peer in peers if (reason := _reason(peer))}
    for name, reason in refused.items():
        print(f"{name} is left out: {reason}")
    (Path(sys.prefix) / REFUSED).write_text(json.dumps(refused), encoding="utf-8")
    return 0


def _reason(requirements: list[str]) -> str:
    """Why pip can't install them; empty if it did."""
    done = subprocess.run([*_PIP, *requirements], check=False, capture_output=True, text=True)
    errors = [line.removeprefix("ERROR: ") for line in done.stderr.splitlines() if line.startswith("ERROR: ")]
    return f"{(errors or ['pip failed'])[-1]} (Python {platform.python_version()})" if done.returncode else ""


def _name(requirement: str) -> str:
    """``pgqueuer[asyncpg]==1.6.0`` is pgqueuer."""
    return re.split(r"[\[=<>!~;]", requirement)[0]


if __name__ == "__main__":
    sys.exit(main())
