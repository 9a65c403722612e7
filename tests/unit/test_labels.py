"""What a text becomes before it is the value of a label."""

from __future__ import annotations

import random
import sys

import pytest

from jobledger._core.labels import label


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("email.send", "email.send"),
        ("größe", "größe"),
        ("日本", "日本"),
        ("ﬁle Ⅳ", "file IV"),
        ("a\u0301", "á"),
        ("line\nbreak\ttab\r\x00\x7f\x85", "linebreaktab"),
        ("zero\u200bwidth\u200c\u200d\ufeff\u2060", "zerowidth"),
        ("\u202eevil\u202c", "evil"),
        ("soft\u00adhyphen", "softhyphen"),
        ("half\ud800pair", "halfpair"),
        ("heart\u2764\ufe0f", "heart\u2764"),
        ("hangul\u3164filler\u115f", "hangulfiller"),
        ("lines\u2028paragraphs\u2029", "linesparagraphs"),
        ("  spaces inside stay  ", "spaces inside stay"),
        ("no\u00a0break", "no break"),
        ("e\u200b\u0301", "é"),
    ],
)
def test_a_label_is_one_clean_spelling(text: str, expected: str) -> None:
    assert label(text) == expected


@pytest.mark.parametrize("text", ["", " ", "\u200b", "\n\t", "\ud800"])
def test_what_is_empty_is_unknown(text: str) -> None:
    assert label(text) == "unknown"


def test_a_label_is_cut_at_120_characters() -> None:
    assert label("x" * 120) == "x" * 120
    assert label("x" * 121) == "x" * 120 + "..."
    assert label("\u200b" * 500 + "x") == "x"
    # One character may become many: the cut comes last.
    assert label("ﷺ" * 100) == label("ﷺ" * 100)[:120] + "..."


def test_doing_it_twice_changes_nothing_more() -> None:
    chance = random.Random(4)
    for _ in range(2000):
        text = "".join(chr(chance.randrange(sys.maxunicode)) for _ in range(chance.randrange(130)))
        once = label(text)
        assert label(once) == once
        assert 1 <= len(once) <= 123
        assert once.encode().decode() == once
