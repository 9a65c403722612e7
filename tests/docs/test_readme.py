"""What the pages say of the metrics is what the catalog says."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobledger._core.catalog import CATALOG, ELEVEN

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("page", ["README.md", "docs/design.md"])
def test_the_table_of_the_eleven_is_the_catalogs(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")

    rows = [row for row in text.splitlines() if row.startswith("| `") and "| `jobs_" in row]

    assert [row.split(" | ")[:4] for row in rows][: len(ELEVEN)] == [
        [f"| `{one.attribute}`", f"`{one.series}`", one.kind.value, ", ".join(one.labels)] for one in ELEVEN
    ]


def test_the_design_names_every_series() -> None:
    text = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")

    assert [one.series for one in CATALOG if f"`{one.series}" not in text] == []
