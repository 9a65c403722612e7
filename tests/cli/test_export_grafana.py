"""``export grafana``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard
from typer.testing import CliRunner

from jobledger._core.panels import ROWS
from jobledger.cli.commands import cli
from jobledger.cli.export import grafana
from tools.render_grafana import rendered

if TYPE_CHECKING:
    from typer.testing import Result

PAGES = Path(__file__).parents[2] / "docs" / "runbooks"
FILE = Path(grafana.__file__).with_name(grafana.FILE)


def export(*words: str) -> Result:
    return CliRunner().invoke(cli, ["export", "grafana", *words], prog_name="jobledger")


def exported(*words: str) -> dict[str, Any]:
    result = export(*words)
    assert result.exit_code == 0, result.output
    board: dict[str, Any] = json.loads(result.stdout)
    return board


def links(board: dict[str, Any]) -> list[str]:
    return [link["url"] for panel in board["panels"] for link in panel.get("links", [])]


def test_the_file_that_ships_is_what_the_sdk_renders() -> None:
    assert FILE.read_text(encoding="utf-8") == rendered(), "run 'make docs'"


def test_it_needs_neither_a_store_nor_the_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOBLEDGER_URL", "sqlite:////nowhere/jobs.db")
    for name in [name for name in sys.modules if name.startswith(("grafana_foundation_sdk", "jobledger.cli.export"))]:
        monkeypatch.setitem(sys.modules, name, None if name.startswith("grafana") else sys.modules[name])
    assert exported()["title"] == "jobledger"


def test_the_sdk_reads_what_is_printed() -> None:
    """Every part of it has a place in Grafana's own types: none is lost."""
    register_default_plugins()
    board = exported("--runbooks", "https://wiki/runbooks")
    assert json.loads(JSONEncoder().encode(Dashboard.from_json(board))) == board


def test_json_is_the_same_on_one_line() -> None:
    result = export("--json")
    assert json.loads(result.stdout) == exported()
    assert result.stdout.count("\n") == 1


def test_rows_and_panels() -> None:
    panels = exported()["panels"]
    assert [panel["title"] for panel in panels] == [
        title for row in ROWS for title in (row.title, *(one.title for one in row.panels))
    ]
    assert exported()["schemaVersion"] >= 39
    ids = [panel["id"] for panel in panels]
    assert len(set(ids)) == len(ids)
    for panel in panels:
        names = [target["refId"] for target in panel.get("targets", [])]
        assert len(set(names)) == len(names)
        assert names or panel["type"] == "row"


def test_no_panel_covers_another_one() -> None:
    taken: dict[tuple[int, int], str] = {}
    for panel in exported()["panels"]:
        at = panel["gridPos"]
        assert 0 <= at["x"] <= at["x"] + at["w"] <= 24
        for cell in ((at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])):
            assert cell not in taken, (panel["title"], taken[cell])
            taken[cell] = panel["title"]
    height = 1 + max(y for _, y in taken)
    assert len(taken) == 24 * height, "no gaps either"


def test_every_query_has_its_data_source_and_known_variables() -> None:
    board = exported()
    known = {one["name"] for one in board["templating"]["list"]}
    assert known == {"datasource", "job", "type", "slo_wait", "slo_target", "filters"}
    for panel in board["panels"]:
        if panel["type"] != "row":
            assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


def test_links_lead_to_pages_where_somebody_has_said_where_they_are() -> None:
    assert links(exported()) == []
    found = links(exported("--runbooks", "https://wiki/runbooks/"))
    assert {url.removeprefix("https://wiki/runbooks/") for url in found} == {
        page.name for page in PAGES.glob("*.md") if page.name != "README.md"
    }


@pytest.mark.parametrize("url", ["", "docs/runbooks", "javascript:alert(1)", "https://", "https://a b", "https://a\n"])
def test_what_is_no_url(url: str) -> None:
    result = export("--runbooks", url)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "must be a URL such as https://wiki/runbooks" in result.stderr
    assert "must be a URL" in json.loads(export("--json", "--runbooks", url).stdout)["error"]["message"]
