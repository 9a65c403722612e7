"""The numbers in SECURITY.md are those of the code."""

from __future__ import annotations

from pathlib import Path

from jobledger import _config as config
from jobledger._core.labels import MAX_LABEL, OVERFLOW

PAGE = Path(__file__).parents[2] / "SECURITY.md"
KIB = 1024
YEAR_SECONDS = 365 * 86_400

LIMITS = {
    "payload": f"{config.MAX_PAYLOAD // KIB} KiB",
    "lists and objects of a payload or a result, one in the other": f"{config.MAX_DEPTH}",
    "digits of a number in a payload or a result": f"{config.MAX_DIGITS:,}",
    "batch": f"{config.MAX_ITEMS:,} items, {config.MAX_BATCH_BYTES // KIB**2} MiB",
    "name of a type, an entity, a dedupe key, a batch, a trace": (
        f"{config.MAX_NAME} characters, none of them a control character"
    ),
    "error text kept of an attempt": f"the last {config.MAX_ERROR:,} characters",
    "progress message": f"{config.MAX_MESSAGE:,} characters",
    "attempts, and lost workers, of a job": f"{config.MAX_LIMIT:,}",
    "delay, timeout": {10: "ten years"}[round(config.MAX_DELAY_SECONDS / YEAR_SECONDS)],
    "label": f"{MAX_LABEL} characters, then `...`",
    "types with a label of their own": f"{config.LABEL_BUDGET}; later ones are counted as `{OVERFLOW}`",
    "series of handlers' own": f"{config.SERIES_BUDGET} of one name, {config.ALL_SERIES_BUDGET:,} in all",
    "jobs on a page of a list": f"{config.MAX_PAGE:,}",
}


def test_the_table_of_limits_is_what_the_code_keeps() -> None:
    rows = (line.strip("| ").split(" | ") for line in section("Limits").splitlines() if line.startswith("| "))
    assert {what: most for what, most in rows if what != "what"} == LIMITS


def test_how_long_ended_jobs_are_kept() -> None:
    assert config.RETENTION_SECONDS == 7 * 86_400
    assert "until seven days\n  after its end" in section("What is kept, and what is shown")


def section(title: str) -> str:
    _, _, rest = PAGE.read_text(encoding="utf-8").partition(f"## {title}\n")
    return rest.partition("\n## ")[0]
