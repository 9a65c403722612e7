"""What is printed: for terminals of any width, for programs, and never what a terminal would obey."""

import io
import json
import logging
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from jobledger._core.headline import headline
from jobledger._escape import shown, shown_json, shown_lines
from jobledger.cli.logs import SafeFormatter
from jobledger.cli.moments import away, clock, length
from jobledger.cli.output import Output
from jobledger.cli.tables import Cell, Column, Sheet, Styled

COLUMNS = ("id", Column("count", right=True), Column("note", folds=True))
ROWS: list[list[Cell]] = [
    ["01936f0c-93a3-7cc6-8d24-5a1e8c6f0b11", "3", Styled("a long story " * 5, "red")],
    ["b", "1,000", ""],
]


def drawn(width: int) -> str:
    file = io.StringIO()
    sheet = Sheet(COLUMNS, ROWS).fitted(width)
    assert sheet is not None
    Console(file=file, width=width, force_terminal=True, color_system=None).print(sheet.drawn())
    return file.getvalue()


def test_a_wide_terminal_shows_it_all() -> None:
    assert ("a long story " * 5).strip() in drawn(200)


def test_a_narrower_one_folds_prose_and_never_ids() -> None:
    lines = drawn(80).splitlines()
    assert any("01936f0c-93a3-7cc6-8d24-5a1e8c6f0b11" in line for line in lines)
    assert len(lines) == 4
    assert max(map(len, lines)) <= 80


def test_spare_columns_go_first_and_empty_ones_are_not_drawn() -> None:
    columns = ("id", Column("when", spare=1), Column("why", spare=2), "empty")
    sheet = Sheet(columns, [["a" * 10, "b" * 10, "c" * 10, ""]])
    widths = {34: ["id", "when", "why"], 33: ["id", "when"], 22: ["id", "when"], 21: ["id"], 10: ["id"]}
    for width, heads in widths.items():
        fitted = sheet.fitted(width)
        assert fitted is not None
        assert [column.header for column in fitted.drawn().columns] == heads
    assert sheet.fitted(9) is None


def test_a_narrow_one_gets_a_block_per_row(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Sheet(COLUMNS, ROWS).fitted(40) is None
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "40")
    file = io.StringIO()
    monkeypatch.setattr("sys.stdout", file)
    Output().table(COLUMNS, ROWS)
    assert file.getvalue().count("01936f0c-93a3-7cc6-8d24-5a1e8c6f0b11") == 1
    assert len(file.getvalue().split("\n\n")) == 3


def test_a_program_gets_aligned_columns() -> None:
    head, first, second = Sheet(COLUMNS, ROWS).aligned().splitlines()
    assert head == f"{'ID':36}  COUNT  NOTE"
    assert first.startswith("01936f0c-93a3-7cc6-8d24-5a1e8c6f0b11      3  a long story")
    assert second == f"{'b':36}  1,000  -"


def test_wide_characters_are_aligned() -> None:
    head, row = Sheet(("name", "next"), [["漢字", "x"]]).aligned().splitlines()
    assert (head, row) == ("NAME  NEXT", "漢字  x")


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("plain", "plain"),
        ("é 漢字 🙂 [red]x[/red]", "é 漢字 🙂 [red]x[/red]"),
        ("\x1b[2J\x1b]0;title\x07", r"\x1b[2J\x1b]0;title\x07"),
        ("a\nb\tc\rd\0e", r"a\nb\tc\rd\x00e"),
        ("\x7f\x9b31m\x85", r"\x7f\x9b31m\x85"),
        ("\u202egnp.exe\u2066", r"\u202egnp.exe\u2066"),
        ("\u2028\u2029\ufeff", r"\u2028\u2029\ufeff"),
        ("\ud83d", r"\ud83d"),
        ("👩\u200d💻", "👩\u200d💻"),
    ],
)
def test_nothing_that_a_terminal_would_obey(text: str, safe: str) -> None:
    assert shown(text) == safe


def test_lines_stay_lines() -> None:
    assert shown_lines("a\x1b\n\tb\n\n") == [r"a\x1b", "    b"]


def test_json_stays_json() -> None:
    text = json.dumps(["\x9b31m \u202e \U000e0041 \x7f \x1b é"], ensure_ascii=False)
    assert shown_json(text) == r'["\u009b31m \u202e \udb40\udc41 \u007f \u001b é"]'
    assert json.loads(shown_json(text)) == json.loads(text)


def test_logs_are_harmless_too() -> None:
    record = logging.LogRecord("x", logging.INFO, "x.py", 1, "job %s failed\nbadly", ("\x1b[2J",), None)
    assert SafeFormatter("%(message)s").format(record) == "job \\x1b[2J failed\nbadly"


@pytest.mark.parametrize("format_", ["%(asctime)s %(message)s", "%(message)s"])
def test_a_log_has_the_times_of_its_records(format_: str) -> None:
    """Those of one second begin alike, and only those."""
    ours, usual = SafeFormatter(format_), logging.Formatter(format_)
    own, usual_own = SafeFormatter(format_, "%H"), logging.Formatter(format_, "%H")
    for created in (1_700_000_000.0, 1_700_000_000.999, 1_700_000_001.001, 1_700_000_000.5, 1_800_000_000.25):
        record = logging.makeLogRecord({"msg": "x", "created": created, "msecs": created % 1 * 1000})
        assert ours.format(record) == usual.format(record)
        assert own.format(record) == usual_own.format(record)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (None, ""),
        ("", ""),
        ("stopped after its timeout of 3 s", "stopped after its timeout of 3 s"),
        ('Traceback (most recent call last):\n  File "a.py"\n    x()\nValueError: no\nmore', "ValueError: no"),
        ("first\n  indented", "  indented"),
    ],
)
def test_the_headline_of_an_error(error: str | None, said: str) -> None:
    assert headline(error) == said


NOW = datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)


def test_instants() -> None:
    assert clock(NOW) == "2026-01-02 03:04:05.678Z"
    assert away(NOW - timedelta(seconds=90), NOW) == "90 s ago"
    assert away(NOW + timedelta(hours=3), NOW) == "in 3 h"
    assert [length(seconds) for seconds in (0, 0.5, 59, 120, 7200, 200_000)] == [
        "0 ms",
        "500 ms",
        "59 s",
        "2 min",
        "2 h",
        "2 days",
    ]
