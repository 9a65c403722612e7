"""Which of the two text formats a scraper asks for, and whether compressed."""

from __future__ import annotations

from typing import Final

TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"
"""The content type of Prometheus text."""
OPENMETRICS: Final = "application/openmetrics-text; version=1.0.0; charset=utf-8"
"""The content type of OpenMetrics."""
_VERSIONS: Final = ("", "1.0.0")


def wants_openmetrics(accept: str | None) -> bool:
    """Whether OpenMetrics 1.0 is wanted more than plain text.

    Args:
        accept: an Accept header; weights count, and of equal weights the first.

    Example:
        >>> wants_openmetrics("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.2")
        True
        >>> wants_openmetrics("text/html, */*")
        False
    """
    best, wanted = 0.0, False
    for entry in (accept or "").split(","):
        media, *parameters = (part.strip().lower() for part in entry.split(";"))
        given = dict(parameter.split("=", 1) for parameter in parameters if "=" in parameter)
        weight = _weight(given.get("q", "1"))
        is_openmetrics = media == "application/openmetrics-text" and given.get("version", "") in _VERSIONS
        if weight > best and (is_openmetrics or media in {"text/plain", "text/*", "*/*"}):
            best, wanted = weight, is_openmetrics
    return wanted


def wants_gzip(accept: str | None) -> bool:
    """Whether gzip is wanted.

    Args:
        accept: an Accept-Encoding header.

    Example:
        >>> wants_gzip("deflate, gzip;q=0.5"), wants_gzip("gzip;q=0, br"), wants_gzip(None)
        (True, False, False)
    """
    for entry in (accept or "").split(","):
        coding, *parameters = (part.strip().lower() for part in entry.split(";"))
        if coding == "gzip":
            given = dict(parameter.split("=", 1) for parameter in parameters if "=" in parameter)
            return _weight(given.get("q", "1")) > 0
    return False


def _weight(q: str) -> float:
    try:
        return float(q)
    except ValueError:
        return 0.0
