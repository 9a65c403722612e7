"""Where only root may mount: the tests of the small disk once more, in a name space in which everybody is root."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
UNSHARE = ["unshare", "--user", "--map-root-user", "--mount"]


def may_unshare() -> bool:
    return shutil.which("unshare") is not None and not subprocess.run([*UNSHARE, "true"], check=False).returncode


@pytest.mark.skipif(not os.geteuid(), reason="root needs no name space: test_disk_full.py has run")
def test_a_full_disk(tmp_path: Path) -> None:
    if not may_unshare():
        pytest.skip("this user may not have a name space of its own")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:randomly",
        f"--basetemp={tmp_path / 'within'}",
        str(HERE / "test_disk_full.py"),
    ]
    ran = subprocess.run([*UNSHARE, *command], cwd=HERE.parents[1], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout
    assert " passed" in ran.stdout
