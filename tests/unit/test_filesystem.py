"""On what a path lies, told from what real machines say of their mounts."""

from pathlib import Path, PurePosixPath

import pytest

from jobledger._store.open import open_store
from jobledger._store.sqlite import filesystem
from jobledger._store.sqlite.filesystem import is_network, network_filesystem, of_mount, of_mountinfo
from jobledger._store.sqlite.store import SqliteStore
from jobledger.errors import NetworkFileSystem, StoreError

DEBIAN = """\
21 26 0:20 / /sys rw,nosuid,nodev,noexec,relatime shared:7 - sysfs sysfs rw
22 26 0:21 / /proc rw,nosuid,nodev,noexec,relatime shared:12 - proc proc rw
24 23 0:23 / /dev/pts rw,nosuid,noexec,relatime shared:3 - devpts devpts rw,gid=5,mode=620,ptmxmode=000
26 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro
23 26 0:5 / /dev rw,nosuid,relatime shared:2 - devtmpfs udev rw,size=4010728k,nr_inodes=1002682,mode=755
27 21 0:24 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw
90 26 0:41 / /srv/data rw,relatime shared:48 - nfs4 nas:/export/data rw,vers=4.2,rsize=1048576,proto=tcp,addr=10.0.0.2
95 26 0:44 / /mnt/office rw,relatime shared:52 - cifs //files/office rw,vers=3.1.1,cache=strict,username=me
99 26 8:17 / /media/me/My\\040Disk rw,nosuid,nodev,relatime shared:55 - fuseblk /dev/sdb1 rw,user_id=0,group_id=0
104 26 0:50 / /home/me/far\\011off rw,nosuid,nodev,relatime shared:57 - fuse.sshfs me@far: rw,user_id=1000,group_id=1000
108 26 0:41 /jobs /var/lib/jobs rw,relatime shared:48 - nfs4 nas:/export/data rw,vers=4.2,proto=tcp,addr=10.0.0.2
112 26 8:1 /srv/fast /srv/data2 rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro
"""

DOCKER = """\
1473 1263 0:126 / / rw,relatime master:507 - overlay overlay rw,lowerdir=/var/lib/docker/overlay2/l/AA,workdir=/w
1474 1473 0:130 / /proc rw,nosuid,nodev,noexec,relatime - proc proc rw
1475 1473 0:131 / /dev rw,nosuid - tmpfs tmpfs rw,size=65536k,mode=755
1480 1475 0:132 / /dev/shm rw,nosuid,nodev,noexec,relatime - tmpfs shm rw,size=65536k
1482 1473 254:1 /docker/volumes/jobs/_data /data rw,relatime master:30 - ext4 /dev/vda1 rw
1483 1473 254:1 /docker/containers/c/resolv.conf /etc/resolv.conf rw,relatime - ext4 /dev/vda1 rw
1485 1473 0:42 / /shared rw,relatime master:31 - virtiofs virtiofs0 rw
1486 1473 0:43 /host_mnt/Users/me /code rw,nosuid,nodev,relatime - fakeowner /run/host_mark/Users rw,fakeowner
1487 1473 0:44 /jobs.db /one/jobs.db rw,relatime - nfs 10.0.0.2:/jobs rw,vers=3
"""

WSL = """\
72 64 8:32 / / rw,relatime - ext4 /dev/sdc rw,discard,errors=remount-ro,data=ordered
104 72 0:60 / /mnt/c rw,noatime - 9p C:\\134 rw,dirsync,aname=drvfs;path=C:\\134;uid=1000;gid=1000;symlinkroot=/mnt/
"""

HIDDEN = """\
30 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
40 30 0:41 / /srv/a rw,relatime - nfs4 nas:/a rw
41 40 0:42 / /srv/a/deep rw,relatime - nfs4 nas:/deep rw
50 40 8:2 / /srv/a rw,relatime - xfs /dev/sda2 rw
60 30 8:3 / /srv/b rw,relatime - xfs /dev/sda3 rw
61 60 0:43 / /srv/b rw,relatime - nfs nas:/b rw
70 30 0:44 / /srv/c/deep rw,relatime - nfs nas:/c rw
71 30 8:4 / /srv/c rw,relatime - xfs /dev/sda4 rw
80 30 0:50 / /home rw,relatime - autofs /etc/auto.home rw,fd=6,pgrp=812,timeout=300,minproto=5,indirect
81 80 0:51 / /home/me rw,relatime - nfs4 nas:/home/me rw
"""

OLD_ROOT = """\
1 1 0:1 / / rw - rootfs rootfs rw
20 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw
"""

CHROOT = """\
300 250 0:41 / /data rw,relatime - nfs nas:/data rw
301 250 0:21 / /proc rw,relatime - proc proc rw
"""


@pytest.mark.parametrize(
    ("mountinfo", "path", "kind"),
    [
        (DEBIAN, "/var/lib/x/jobs.db", "ext4"),
        (DEBIAN, "/srv/data/jobs.db", "nfs4"),
        (DEBIAN, "/srv/data", "nfs4"),
        (DEBIAN, "/srv/database/jobs.db", "ext4"),
        (DEBIAN, "/srv/data2/jobs.db", "ext4"),
        (DEBIAN, "/srv/data/not/there/yet/jobs.db", "nfs4"),
        (DEBIAN, "/mnt/office/jobs.db", "cifs"),
        (DEBIAN, "/media/me/My Disk/jobs.db", "fuseblk"),
        (DEBIAN, "/home/me/far\toff/jobs.db", "fuse.sshfs"),
        (DEBIAN, "/var/lib/jobs/jobs.db", "nfs4"),  # a bind mount of a folder of the same server
        (DEBIAN, "/", "ext4"),
        (DOCKER, "/app/jobs.db", "overlay"),
        (DOCKER, "/data/jobs.db", "ext4"),
        (DOCKER, "/dev/jobs.db", "tmpfs"),
        (DOCKER, "/shared/jobs.db", "virtiofs"),
        (DOCKER, "/code/jobs.db", "fakeowner"),
        (DOCKER, "/one/jobs.db", "nfs"),
        (WSL, "/home/me/jobs.db", "ext4"),
        (WSL, "/mnt/c/Users/me/jobs.db", "9p"),
        (HIDDEN, "/srv/a/jobs.db", "xfs"),  # mounted over an NFS mount: the last one wins
        (HIDDEN, "/srv/a/deep/jobs.db", "xfs"),  # and hides what was mounted within
        (HIDDEN, "/srv/b/jobs.db", "nfs"),
        (HIDDEN, "/srv/c/deep/jobs.db", "xfs"),  # hidden by a later mount above it
        (HIDDEN, "/home/me/jobs.db", "nfs4"),
        (HIDDEN, "/home/you/jobs.db", "autofs"),
        (OLD_ROOT, "/jobs.db", "ext4"),
        (CHROOT, "/data/jobs.db", "nfs"),
        (CHROOT, "/jobs.db", None),
        ("", "/jobs.db", None),
        ("no such line\n\n1 2 3\n", "/jobs.db", None),
    ],
)
def test_linux(mountinfo: str, path: str, kind: str | None) -> None:
    assert of_mountinfo(mountinfo, PurePosixPath(path)) == kind


MACOS = """\
/dev/disk3s1s1 on / (apfs, sealed, local, read-only, journaled)
devfs on /dev (devfs, local, nobrowse)
/dev/disk3s5 on /System/Volumes/Data (apfs, local, journaled, nobrowse, protect, root data)
map auto_home on /System/Volumes/Data/home (autofs, automounted, nobrowse)
//me@files._smb._tcp.local/office on /Volumes/office (1) (smbfs, nodev, nosuid, mounted by me)
nas:/export on /Volumes/Exports on nas (nfs, nodev, nosuid, mounted by me)
far on /Users/me/far (macfuse, local, synchronous, mounted by me)
odd on /Volumes/odd (oddfs, nodev)
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/Users/me/jobs.db", "apfs"),
        ("/System/Volumes/Data/Users/me/jobs.db", "apfs"),
        ("/Volumes/office (1)/jobs.db", "smbfs"),
        ("/Volumes/Exports on nas/jobs.db", "nfs"),
        ("/Users/me/far/jobs.db", "macfuse"),
        ("/Volumes/odd/jobs.db", "remote oddfs"),
    ],
)
def test_macos(path: str, kind: str) -> None:
    assert of_mount(MACOS, PurePosixPath(path)) == kind


def test_macos_that_says_nothing() -> None:
    assert of_mount("", PurePosixPath("/jobs.db")) is None
    assert of_mount("mount: something is wrong\n", PurePosixPath("/jobs.db")) is None


@pytest.mark.parametrize(
    "kind",
    [
        "nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "ceph", "glusterfs", "fuse.glusterfs", "lustre", "afs", "gpfs",
        "beegfs", "vboxsf", "prl_fs", "virtiofs", "fuse", "fuse.sshfs", "fuse.s3fs", "fuse.rclone", "fusefs_sshfs",
        "afpfs", "webdav", "macfuse", "remote oddfs", "gfs2", "ocfs2",
    ],
)  # fmt: skip
def test_several_machines_can_have_it(kind: str) -> None:
    assert is_network(kind)


@pytest.mark.parametrize(
    "kind",
    ["ext4", "xfs", "btrfs", "zfs", "apfs", "hfs", "tmpfs", "overlay", "fuseblk", "f2fs", "bcachefs", "ramfs", "vfat"],
)
def test_only_this_machine_can_have_it(kind: str) -> None:
    assert not is_network(kind)


@pytest.fixture
def nfs_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory that the system says is an NFS mount."""
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    table = f"30 1 8:1 / / rw - ext4 /dev/sda1 rw\n40 30 0:41 / {mounted} rw - nfs4 nas:/a rw\n"
    monkeypatch.setitem(filesystem._TABLES, "linux", lambda path: of_mountinfo(table, path))
    monkeypatch.setattr("sys.platform", "linux")
    return mounted


def test_symbolic_links_are_followed(nfs_at: Path, tmp_path: Path) -> None:
    """To the directory, and to the file itself, which need not be there yet."""
    (tmp_path / "link").symlink_to(nfs_at)
    (tmp_path / "jobs.db").symlink_to(nfs_at / "jobs.db")
    (nfs_at / "out").symlink_to(tmp_path)
    assert network_filesystem(tmp_path / "link" / "jobs.db") == "nfs4"
    assert network_filesystem(tmp_path / "jobs.db") == "nfs4"
    assert network_filesystem(nfs_at / "out" / "other.db") is None


def test_relative_paths(nfs_at: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(nfs_at)
    assert network_filesystem(Path("jobs.db")) == "nfs4"
    assert network_filesystem(Path("../jobs.db")) is None


def test_a_file_that_is_mounted_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its log stands beside it, on the file system of its directory."""
    table = f"30 1 0:41 / / rw - nfs4 nas:/a rw\n40 30 8:1 / {tmp_path}/jobs.db rw - ext4 /dev/sda1 rw\n"
    monkeypatch.setitem(filesystem._TABLES, "linux", lambda path: of_mountinfo(table, path))
    monkeypatch.setattr("sys.platform", "linux")
    assert network_filesystem(tmp_path / "jobs.db") == "nfs4"


def test_another_system_is_not_asked(nfs_at: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "freebsd14")
    assert network_filesystem(nfs_at / "jobs.db") is None


def test_this_machine_can_be_asked(tmp_path: Path) -> None:
    """Where the tests run, their directory is local, and the system says what it is."""
    assert network_filesystem(tmp_path / "jobs.db") is None
    assert filesystem._linux(PurePosixPath("/proc/self")) in {"proc", None}


@pytest.mark.parametrize("there", [False, True])
def test_a_store_there_is_refused(nfs_at: Path, there: bool) -> None:
    """At the edge, whether it is there or not, and nothing is created."""
    path = nfs_at / "jobs.db"
    if there:
        store = SqliteStore(path, lambda: 0, "off")
        store.declare((), 1)
        store.close()
    before = sorted(nfs_at.iterdir())
    with pytest.raises(NetworkFileSystem, match=r"\(nfs4\).*\?filesystem=any") as raised:
        open_store(f"sqlite:///{path}?durability=off", lambda: 0)
    assert isinstance(raised.value, StoreError)
    assert raised.value.kind == "nfs4"
    assert sorted(nfs_at.iterdir()) == before


def test_unless_it_is_forced(nfs_at: Path) -> None:
    with pytest.raises(NetworkFileSystem):
        open_store(f"sqlite:///{nfs_at}/jobs.db?filesystem=local", lambda: 0)
    store = open_store(f"sqlite:///{nfs_at}/jobs.db?filesystem=any&durability=off", lambda: 0)
    store.declare((), 1)
    store.close()
    assert (nfs_at / "jobs.db").exists()
