"""What users' metrics mean, in one line each."""

from __future__ import annotations

from jobledger._config import ALL_SERIES_BUDGET, MAX_HELP
from jobledger._core.help_texts import HelpTexts, help_text


def test_a_help_is_one_line_that_can_be_read() -> None:
    assert help_text(" Invoices\r\n\tthat\x1b[31m were\u200b paid. ") == "Invoices that[31m were paid."
    assert help_text("") == ""


def test_a_long_one_is_cut() -> None:
    assert help_text("x" * MAX_HELP) == "x" * MAX_HELP
    assert help_text("x" * 300) == "x" * (MAX_HELP - 3) + "..."


def test_a_name_keeps_its_first_help() -> None:
    texts = HelpTexts()
    assert [texts.of("a_total", text) for text in ("", "A.", "B.", "")] == ["", "A.", "A.", "A."]


def test_names_made_of_ids_fill_no_memory() -> None:
    texts = HelpTexts()
    known = [texts.of(f"made_{number}_total", "Made.") for number in range(ALL_SERIES_BUDGET + 5)]
    assert known.count("Made.") == ALL_SERIES_BUDGET
    assert texts.of("made_0_total", "Other.") == "Made."
