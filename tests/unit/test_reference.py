"""The reference page says what the code does."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from typing import TYPE_CHECKING

import pytest

from jobledger._core.catalog import BOUNDARIES, CATALOG, CRITERIA, Kind
from jobledger._core.outcome import Done
from jobledger._metrics.reference import metrics_page
from jobledger._metrics.snapshot import Snapshot
from jobledger._metrics.text import prometheus_text
from jobledger._metrics.transitions import transitions
from jobledger._store.contract import Declaration
from tests.desk import CRITICAL, HIGH, LOW, NORMAL, Desk
from tests.observability.rules.promtool import rendered
from tests.observability.test_runbooks import COMMANDS

if TYPE_CHECKING:
    from pathlib import Path

# The table of the design: counters, histograms, gauges.
TABLE = {
    "Submit, due": ("enqueued", "", "queue_depth +1"),
    "Submit, delayed": ("enqueued", "", "scheduled +1"),
    "Due": ("", "", "queue_depth +1, scheduled -1"),
    "Activate: becomes the head of its mailbox": ("", "mailbox_wait", "parked -1"),
    "Start": ("", "wait_duration", "queue_depth -1, running +1"),
    "Settle: done (a completion wins over a cancel)": ("completions", "duration, processing_seconds", "running -1"),
    "Settle: failed or timed out, attempts left": (
        "failures, retries", "processing_seconds", "running -1, scheduled +1",
    ),
    "Settle: failed or timed out, none left": (
        "dead_lettered, failures", "duration, processing_seconds", "dlq_size +1, running -1",
    ),
    "Settle: failed for good": ("dead_lettered, failures", "duration, processing_seconds", "dlq_size +1, running -1"),
    "Settle: failed while a cancel is asked": (
        "cancellations, failures", "duration, processing_seconds", "running -1",
    ),
    "Settle: cancelled": ("cancellations", "duration, processing_seconds", "running -1"),
    "Lose: the worker died": ("failures, retries, lost", "", "queue_depth +1, running -1"),
    "Lose, losses used up": ("dead_lettered, failures, lost", "duration", "dlq_size +1, running -1"),
    "Lose while a cancel is asked": ("cancellations, failures, lost", "duration", "running -1"),
    "Release: the worker stops": ("released", "", "queue_depth +1, running -1"),
    "Release while a cancel is asked": ("cancellations, released", "duration", "running -1"),
    "Refused: the attempt no longer owns its job": ("stale_settlements", "", ""),
    "Cancel, queued and due": ("cancellations", "duration", "queue_depth -1"),
    "Cancel, scheduled": ("cancellations", "duration", "scheduled -1"),
    "Cancel, in processing: a request": ("", "", ""),
    "Replay": ("replayed", "", "dlq_size -1, queue_depth +1"),
    "Discard": ("discarded", "", "dlq_size -1"),
    "Prune": ("pruned", "", ""),
}  # fmt: skip


def recipes() -> list[str]:
    return re.findall(r"```promql\n(.*?)```", metrics_page(), re.DOTALL)


def test_the_rule_book_counts_what_the_design_says() -> None:
    found = {
        one.name: (
            ", ".join(one.counters),
            ", ".join(one.histograms),
            ", ".join(f"{name} {n:+d}" for name, n in one.gauges),
        )
        for one in transitions()
    }
    assert {name: found[name] for name in TABLE} == TABLE


def test_the_page_names_every_series_and_every_boundary() -> None:
    page = metrics_page()
    for one in CATALOG:
        assert f"| `{one.attribute}` | `{one.series}` | {one.kind} |" in page
        assert one.meaning in page
    for name, one in CRITERIA.items():
        assert f"| `{name}` | `{one.series}` |" in page
    assert " ".join(f"{bound:g}" for bound in BOUNDARIES) in page


def test_the_page_is_whole_and_always_the_same() -> None:
    assert "{{" not in metrics_page()
    assert metrics_page() == metrics_page()


def test_tables_are_even() -> None:
    for block in re.findall(r"(?:^\|.*\|\n)+", metrics_page(), re.MULTILINE):
        assert len({line.count("|") for line in block.splitlines()}) == 1


def test_recipes_use_series_that_exist(store_path: Path) -> None:
    desk = Desk(store_path, (Declaration("email", "email"),))
    text = prometheus_text(Snapshot(desk.store.ledger())).decode()
    names = set(re.findall(r"jobs_[a-z_]+", " ".join(recipes())))
    assert len(recipes()) > 9
    assert {name for name in names if not re.search(rf"^(# TYPE )?{name}\b", text, re.MULTILINE)} == set()
    assert 'le="1.0"' in text


def test_the_series_budget_is_what_is_scraped(store_path: Path) -> None:
    page = metrics_page()
    found = re.search(r"has (\d+) series, each further priority adds (\d+), and (\d+) series have no type", page)
    assert found is not None
    one, more, fixed = map(int, found.groups())
    desk = Desk(store_path, (Declaration("email", "email", HIGH),))
    for priority in (CRITICAL, HIGH, NORMAL, LOW):
        desk.submit("email", priority)
    for _ in range(2):
        desk.submit("email", LOW, entity="customer:1")
    (job, *_) = desk.start(slots=3)
    desk.settle(job, Done(), 1)
    desk.store.sample(0)
    scraped = [line for line in prometheus_text(Snapshot(desk.store.ledger())).decode().splitlines() if line[0] != "#"]
    typed = [line for line in scraped if 'type="email"' in line]
    assert len([line for line in typed if "priority=" not in line]) + more == one
    high = [line for line in typed if 'priority="high"' in line]
    assert len(high) == more
    assert len(scraped) - len(typed) == fixed


def test_whatever_the_page_names_exists() -> None:
    """Also in the tables for those who come from elsewhere."""
    named = set(re.findall(r"`(jobs_\w+)", metrics_page()))
    of_histograms = {f"{one.series}_{end}" for one in CATALOG for end in ("count", "sum") if one.kind is Kind.HISTOGRAM}
    assert named - {one.series for one in CATALOG} - of_histograms == set()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", metrics_page(), re.DOTALL)


def test_commands_of_the_set_up_are_taken() -> None:
    told = [
        shlex.split(line) for unit in blocks("ini") for line in re.findall(r"^ExecStart=\S+/(.*)$", unit, re.MULTILINE)
    ]
    told += [json.loads(words) for block in blocks("yaml") for words in re.findall(r"command: (\[.*\])", block)]
    assert {words[1] for words in told} == {"serve", "worker"}
    for command, *words in told:
        assert command == "jobledger"
        assert {word for word in words if word.startswith("--")} <= COMMANDS[words[0],]


@pytest.mark.debian("prometheus", "promtool")
def test_the_configuration_is_prometheuss(tmp_path: Path) -> None:
    (configuration,) = (block for block in blocks("yaml") if "scrape_configs" in block)
    (tmp_path / "prometheus.yml").write_text(configuration)
    (tmp_path / "jobledger.yml").write_text(rendered())
    checked = subprocess.run(
        ["promtool", "check", "config", "prometheus.yml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "rules found" in checked.stdout


@pytest.mark.debian("prometheus", "promtool")
def test_recipes_are_promql(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yml"
    records = "".join(
        f"  - record: recipe:{number}\n    expr: {' '.join(recipe.split())!r}\n"
        for number, recipe in enumerate(recipes())
    )
    rules.write_text(f"groups:\n- name: recipes\n  rules:\n{records}")
    checked = subprocess.run(["promtool", "check", "rules", str(rules)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"SUCCESS: {len(recipes())} rules found" in checked.stdout
