"""What an error comes to in one line."""

from __future__ import annotations


def headline(error: str | None) -> str:
    r"""Where an error says what it is: in a traceback, the line that names the exception.

    Example:
        >>> headline('Traceback …:\n  File "jobs.py", line 3, in send\nValueError: no such\nbox')
        'ValueError: no such'
    """
    lines = (error or "").strip().splitlines()
    at = len(lines)
    while at and not lines[at - 1].startswith(" "):
        at -= 1
    return lines[min(at, len(lines) - 1)] if lines else ""
