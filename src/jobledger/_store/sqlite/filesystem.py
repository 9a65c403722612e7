"""On what a path lies: a store needs a file system of one machine.

SQLite's write-ahead log needs memory that all processes share, and the life of a writer is a kernel lock. Both are one
kernel's. Where several kernels can open the same file, neither holds, and the file would be damaged without a word.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SERVED: Final = frozenset(
    {"nfs", "nfs3", "nfs4", "cifs", "smb2", "smb3", "smbfs", "ncpfs", "afs", "auristorfs", "coda"}
)
"""Served to several machines. Locks may be local to each client, and none of them shares its memory with another."""
_CLUSTERED: Final = frozenset(
    {"ceph", "lustre", "gpfs", "beegfs", "orangefs", "pvfs2", "panfs", "glusterfs", "gfs2", "ocfs2"}
)
"""Made to be mounted by several machines at once. Some of them keep locks between these, none the shared memory."""
_OF_A_HOST: Final = frozenset({"9p", "virtiofs", "vboxsf", "prl_fs", "vmhgfs", "fakeowner"})
"""Folders of the host in a virtual machine (9p also in WSL, fakeowner in Docker Desktop). A worker in the machine and
a command on its host would open one file under two kernels, which is just what such folders are used for."""
_OF_MACOS: Final = frozenset({"afpfs", "webdav", "acfs", "macfuse", "osxfuse"})
"""As above, under the names that macOS gives them."""
_NETWORK: Final = _SERVED | _CLUSTERED | _OF_A_HOST | _OF_MACOS

_REMOTE: Final = "remote "
"""What macOS does not call local is named so, whatever its type."""

_ESCAPED: Final = re.compile(r"\\([0-7]{3})")
_MOUNT_LINE: Final = re.compile(r" on (?P<point>/.*) \((?P<type>[^,()]+)(?P<options>[^()]*)\)$")


def network_filesystem(path: Path) -> str | None:
    """The type of the network file system on which a file lies, or would lie; None where there is none to be seen.

    Symbolic links are followed. Since the log stands beside the file, its directory counts as well: a single file can
    be mounted, too.

    Example:
        >>> network_filesystem(Path("/proc/version")) is None
        True
    """
    table = _TABLES.get(sys.platform)
    if table is None:
        return None
    real = Path(os.path.realpath(path))
    return next((found for place in (real, real.parent) if (found := table(place)) and is_network(found)), None)


def filesystem_type(path: Path) -> str | None:
    """The type of the file system on which a file lies, or would lie; None where it can't be told."""
    table = _TABLES.get(sys.platform)
    return None if table is None else table(Path(os.path.realpath(path)))


def is_network(kind: str) -> bool:
    """Whether several kernels can have a file system of this type at once.

    In FUSE a program decides, and the kernel can't know what it does: sshfs, s3fs or rclone as well as a mere overlay.
    So all of them count, but ``fuseblk``: that one sits on a block device of this machine.
    """
    return kind in _NETWORK or kind == "fuse" or kind.startswith(("fuse.", "fusefs", _REMOTE))


class _Mount(NamedTuple):
    number: str
    parent: str
    point: str
    kind: str


def of_mountinfo(text: str, path: PurePath) -> str | None:
    """The type under a path, from the text of ``/proc/self/mountinfo``; None if it tells nothing of it.

    It goes as the kernel goes: from the root down the path, at each step into what is mounted there, and again into
    what is mounted on top of that. So what a later mount hides is not seen.
    """
    mounts = list(_mounts(text))
    listed = {mount.number: mount for mount in mounts}
    # Whose parent is not listed is where this process's view begins: "/", or in a chroot what is mounted within.
    beneath = {
        (mount.parent if listed.get(mount.parent, mount) is not mount else "", mount.point): mount for mount in mounts
    }
    here: _Mount | None = None
    for step in (*reversed(path.parents), path):
        while above := beneath.pop((here.number if here else "", str(step)), None):
            here = above
    return here.kind if here else None


def _mounts(text: str) -> Iterator[_Mount]:
    for line in text.splitlines():
        before, separator, after = line.partition(" - ")
        fields = before.split(" ")
        if separator and len(fields) > 4:  # noqa: PLR2004 - the mount point is the fifth field
            yield _Mount(fields[0], fields[1], _plain(fields[4]), _plain(after.split(" ")[0]))


def _plain(field: str) -> str:
    r"""Spaces, tabs, line ends and backslashes are written as ``\040`` and so on."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 8)), field)


def of_mount(text: str, path: PurePath) -> str | None:
    """The type under a path, from what macOS's ``mount`` prints; None if it tells nothing of it.

    macOS says of each file system whether it is ``local``.
    """
    found: dict[str, str] = {}
    for line in text.splitlines():
        if match := _MOUNT_LINE.search(line):
            local = "local" in match["options"].replace(" ", "").split(",")
            found[match["point"]] = match["type"] if local or is_network(match["type"]) else _REMOTE + match["type"]
    return next((found[str(step)] for step in (path, *path.parents) if str(step) in found), None)


def _linux(path: PurePath) -> str | None:
    try:
        text = os.fsdecode(Path("/proc/self/mountinfo").read_bytes())
    except OSError:
        return None  # no /proc here: nothing can be said
    return of_mountinfo(text, path)


def _macos(path: PurePath) -> str | None:
    try:
        listed = subprocess.run(["/sbin/mount"], capture_output=True, check=True, timeout=5)
    except (OSError, subprocess.SubprocessError):
        return None
    return of_mount(os.fsdecode(listed.stdout), path)


_TABLES: Final[dict[str, Callable[[PurePath], str | None]]] = {"linux": _linux, "darwin": _macos}
