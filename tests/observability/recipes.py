"""The queries that the documentation recommends."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

_PAGE: Final = Path(__file__).parents[2] / "docs" / "metrics.md"


def recipes() -> dict[str, str]:
    """By what they are for."""
    section = _PAGE.read_text(encoding="utf-8").partition("## Recipes\n")[2].partition("\n## ")[0]
    found = re.findall(r"^(\S[^\n]*(?:\n[^\n`]+)*):\n\n```promql\n(.*?)\n```$", section, re.MULTILINE | re.DOTALL)
    return dict(found)
