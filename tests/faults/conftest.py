"""A disk so small that a test can fill it."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

BLOCK = 4096
BIG = {"text": "x" * 100_000}
"""A payload of some 25 pages."""


class SmallDisk:
    """A file system of a few megabytes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.store = root / "jobs.db"
        self.url = f"sqlite:///{self.store}"
        self._ballast = root / "ballast"

    def fill(self, leave: int = 0) -> None:
        """Fill it to the last block, but for so many bytes."""
        descriptor = os.open(self._ballast, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        try:
            while True:
                os.write(descriptor, bytes(BLOCK))
        except OSError:
            os.ftruncate(descriptor, max(os.fstat(descriptor).st_size - leave, 0))
        finally:
            os.close(descriptor)

    def free(self) -> None:
        """Give the space back."""
        self._ballast.unlink(missing_ok=True)


def mount(root: Path, *options: str) -> None:
    """Mount an empty file system in memory; skip where that is not allowed."""
    command = ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(root)]
    tried = subprocess.run(command, capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"nothing can be mounted here: {tried.stderr.strip()}")


def unmount(root: Path) -> None:
    subprocess.run(["umount", "--lazy", str(root)], check=True)


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Mounted for a whole module, so that it is still there when the books are audited after a test."""
    if os.geteuid():
        pytest.skip("only root may mount a small disk; test_without_root.py tries it in a namespace")
    root = tmp_path_factory.mktemp("disk")
    mount(root, "size=24m")
    yield root
    unmount(root)


@pytest.fixture
def small_disk(disk: Path) -> Iterator[SmallDisk]:
    """Empty at first, and not full any more when the books are audited."""
    for left in disk.iterdir():
        left.unlink()
    small = SmallDisk(disk)
    yield small
    small.free()
