"""The programs of an installation, where the account of a server can run them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from jobledger.testing.postgres.account import reaches

if TYPE_CHECKING:
    from jobledger.testing.postgres.installation import Installation

_NEEDED = ("bin", "lib", "share")
_OPEN = 0o755


def must_be_copied(installation: Installation) -> bool:
    """Whether they lie where only this process's user may look: a virtual environment below /root, say."""
    return not reaches(installation.bin / "postgres")


def copied(installation: Installation, target: Path) -> Installation:
    """A copy that everybody may run; what lies beside a folder of wheels goes along, at the same distance."""
    home = installation.bin.parent
    package = home.parent
    new = target / package.name / home.name
    for name in _NEEDED:
        if (home / name).is_dir():
            shutil.copytree(home / name, new / name, symlinks=True)
    for libraries in (Path(f"{package.name}.libs"), Path(package.name, ".dylibs")):
        if (package.parent / libraries).is_dir():
            shutil.copytree(package.parent / libraries, target / libraries)
    for folder, _, files in os.walk(target):
        for one in (folder, *(os.path.join(folder, name) for name in files)):  # noqa: PTH118 - thousands of names
            if not os.path.islink(one):  # noqa: PTH114 - as above
                os.chmod(one, _OPEN)  # noqa: PTH101 - as above
    return msgspec.structs.replace(installation, bin=new / installation.bin.name)
