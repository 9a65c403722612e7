"""What to try on the database that the demo leaves behind."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from jobledger.cli.demo.report import Report
    from jobledger.cli.output import Output

WORKER: Final = "worker jobledger.cli.demo.handlers:app"


def hint(report: Report, out: Output) -> None:
    """Print commands that can be run as they stand."""
    letter = report.dead.letters[0].id
    out.title("Now try, on the database that is left behind:")
    for words in (
        "audit",
        "metrics",
        f"status {report.slowest[0].id}",
        "list --status cancelled",
        "dlq list",
        f"dlq show {letter}",
        f"dlq replay {letter}",
        WORKER,
        "serve",
    ):
        out.line(f"  {command(words, report.database)}")
    out.line(
        "Or run the demo again and kill -9 the demo itself: its workers stop, the next worker goes on with the rest."
    )


def farewell(report: Report, out: Output) -> None:
    """Nothing is left behind to try something on."""
    out.title(f"The server of this demo has ended with it ({report.database})")
    out.line("On a server of yours the jobs stay, with commands to try on them:")
    out.line(f"  {_python()} -m jobledger demo --url postgresql://USER@HOST/DATABASE")


def command(words: str, url: str) -> str:
    """A whole command line, with this Python by its shortest name."""
    return f"{_python()} -m jobledger {words} --url {shlex.quote(url)}"


def _python() -> str:
    here, python = Path.cwd(), Path(sys.executable)
    return shlex.quote(str(python.relative_to(here) if python.is_relative_to(here) else python))
