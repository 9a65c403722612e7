"""The process around a command: streams that can show everything, pipes that may break, exit codes."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING

from jobledger.cli.completing import prepare

if TYPE_CHECKING:
    from typer import Typer


def run(cli: Typer) -> int:
    """Run the command line of this process.

    A reader that has seen enough (``jobledger list | head``) is no error to shout about.
    """
    prepare(os.environ)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = _exit_code(cli)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130
    return code


def _exit_code(cli: Typer) -> int:
    try:
        cli(prog_name="jobledger")
    except SystemExit as left:
        return left.code if isinstance(left.code, int) else 0
    return 0
