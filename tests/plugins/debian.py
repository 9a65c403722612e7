"""Tests that need an executable from a Debian package.

`@pytest.mark.debian("prometheus", "promtool")` names the package and the executable. Where the executable is missing
the test is skipped, and the closing summary says which package to install. With JOBLEDGER_CI_DEBIAN=1 it is an error.
"""

import os
import shutil

import pytest

_missing = pytest.StashKey[dict[tuple[str, str], list[str]]]()


def _needs(item: pytest.Item) -> list[tuple[str, str]]:
    """Return the (package, executable) pairs a test is marked with."""
    needs: list[tuple[str, str]] = []
    for mark in item.iter_markers("debian"):
        match mark.args:
            case (str(package), str(executable)) if not mark.kwargs:
                needs.append((package, executable))
            case _:
                message = f"{item.nodeid}: write @pytest.mark.debian(package, executable)"
                raise pytest.UsageError(message)
    return needs


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_missing] = {}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse a wrongly written marker before anything runs."""
    for item in items:
        _needs(item)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    for package, executable in _needs(item):
        if shutil.which(executable) is not None:
            continue
        reason = f"{executable} is missing: apt-get install {package}"
        if os.environ.get("JOBLEDGER_CI_DEBIAN") == "1":
            pytest.fail(reason, pytrace=False)
        item.config.stash[_missing].setdefault((package, executable), []).append(item.nodeid)
        pytest.skip(reason)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    missing = config.stash[_missing]
    if not missing:
        return
    terminalreporter.section("tests that did not run")
    for (package, executable), nodeids in sorted(missing.items()):
        terminalreporter.line(f"{executable} is missing; on Debian: apt-get install {package}")
        for nodeid in sorted(nodeids):
            terminalreporter.line(f"    {nodeid}")
