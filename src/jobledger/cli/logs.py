"""Logs of a process that runs for long, on stderr."""

from __future__ import annotations

import logging
import sys

from jobledger._escape import shown_lines

FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
FORMAT_OF_ONE_OF_MANY = "%(asctime)s %(levelname)-7s %(name)s[%(process)d]: %(message)s"


class SafeFormatter(logging.Formatter):
    """Log lines hold what users wrote: its control characters are shown, not obeyed.

    A worker may write thousands in a second, and begins all of them with the same one.
    """

    _second = ("", -1)

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802 - its name there
        """The time of a record, in the default format."""
        if datefmt is not None:
            return super().formatTime(record, datefmt)
        begin, second = self._second
        if second != int(record.created):
            begin, second = self._second = super().formatTime(record, self.default_time_format), int(record.created)
        return self.default_msec_format % (begin, record.msecs) if self.default_msec_format else begin

    def format(self, record: logging.LogRecord) -> str:
        """One record, over as many lines as it needs."""
        return "\n".join(shown_lines(super().format(record)))


def log_to_stderr(*, pid: bool = False) -> None:
    """Show jobledger's own loggers from INFO and others from WARNING, unless the program has set up logging itself.

    Args:
        pid: several processes log to one place: say which one it is.
    """
    root = logging.getLogger()
    ours = logging.getLogger("jobledger")
    if not root.handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(SafeFormatter(FORMAT_OF_ONE_OF_MANY if pid else FORMAT))
        root.addHandler(handler)
    if ours.level == logging.NOTSET:
        ours.setLevel(logging.INFO)
