"""The command ``jobledger``: workers, jobs and metrics from a shell."""

from __future__ import annotations

import sys

MISSING = "error: the command line is an extra: pip install 'jobledger[cli]'"
_EXTRA = frozenset({"rich", "typer"})


def main() -> int:
    """Run the command line; what ``jobledger`` and ``python -m jobledger`` start.

    Returns:
        The exit code: 0, 1 for what could not be done, 2 for a wrong call, 130 after Ctrl-C.
    """
    try:
        from jobledger.cli.commands import cli
        from jobledger.cli.process import run
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _EXTRA:
            raise
        sys.stderr.write(f"{MISSING}\n")
        return 2
    return run(cli)
