"""What is installed."""

from __future__ import annotations

import platform
import re
from importlib.metadata import PackageNotFoundError, requires, version
from typing import TYPE_CHECKING, Final

import apsw

from jobledger._version import own_version
from jobledger.cli.doctor.finding import Finding, broken, ok, warning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobledger.cli.doctor.patient import Patient

_SOUND: Final = (3, 51, 3)
"""SQLite up to 3.51.2 can damage a file when a log is begun anew."""
_NEEDS: Final = re.compile(
    r"""(?P<name>[\w.-]+)(\[.*\])?\s*>=(?P<least>[\d.]+).*?(extra == ['"](?P<extra>\w+)['"])?$"""
)
_EXTRAS: Final = ("cli", "postgres", "uvloop", "web")


def versions(patient: object) -> Iterator[Finding]:  # noqa: ARG001 - a check
    """The version of jobledger, and of Python."""
    yield ok(f"jobledger {own_version()}, Python {platform.python_version()} on {platform.system()}")


def sqlite(patient: Patient) -> Iterator[Finding]:  # noqa: ARG001 - a check
    """Whether the SQLite within is free of the fault that damages logs."""
    found = apsw.sqlite_lib_version()
    told = f"SQLite {found}, with apsw {apsw.apsw_version()}"
    if tuple(map(int, found.split(".")[:3])) >= _SOUND:
        yield ok(told)
    else:
        yield broken(f"{told}: before 3.51.3 it can damage a store", "pip install --upgrade apsw")


def extras(patient: object) -> Iterator[Finding]:  # noqa: ARG001 - a check
    """Which optional parts are there, and new enough."""
    shown: list[str] = []
    for extra in _EXTRAS:
        packages = [(name, least, _installed(name)) for name, least in _needed(extra)]
        if not packages:
            continue
        old = [(name, least, found) for name, least, found in packages if found and _numbers(found) < _numbers(least)]
        for name, least, found in old:
            yield warning(f"{name} {found} is older than {least}", f"pip install --upgrade 'jobledger[{extra}]'")
        listed = ", ".join(f"{name} {found}" for name, _, found in packages if found)
        missing = [name for name, _, found in packages if not found]
        shown.append(f"{extra}: " + (f"not installed ({', '.join(missing)})" if missing else listed))
    yield ok("; ".join(shown))


def _needed(extra: str) -> list[tuple[str, str]]:
    try:
        lines = requires("jobledger") or []
    except PackageNotFoundError:
        return []
    found = [match for line in lines if (match := _NEEDS.match(line)) is not None]
    return sorted((match["name"], match["least"]) for match in found if match["extra"] == extra)


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text)[:3])
