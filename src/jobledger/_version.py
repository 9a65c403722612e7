"""Which jobledger this is."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def own_version() -> str:
    """The version that is installed."""
    try:
        return version("jobledger")
    except PackageNotFoundError:
        return "(run from its source, not installed)"
