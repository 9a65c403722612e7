"""The rules of the simulated incidents are the shipped ones, told faster."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from jobledger._core.thresholds import DEFAULTS, TIMES
from jobledger.cli.export.spans import seconds_of
from tests.observability.plain_yaml import loaded
from tests.observability.scaled import scaled

SHIPPED = (Path(__file__).parents[2] / "docs" / "alerts" / "jobledger.yml").read_text(encoding="utf-8")
NUMBER = re.compile(r"(?<![\w.])(?:\d+(?:ms|[dhms]))+(?!\w)|(?<![\w.])\d+(?:\.\d+)?(?![\w.])")


def test_told_at_the_same_pace_they_are_what_is_shipped() -> None:
    assert scaled(1) == SHIPPED


@pytest.mark.parametrize("factor", [60, 600])
def test_only_lengths_of_time_are_divided(factor: int) -> None:
    times = {f"{getattr(DEFAULTS, name):g}" for name in TIMES}
    divided = 0
    for shipped, faster in zip(rules(SHIPPED), rules(scaled(factor)), strict=True):
        for name in ("expr", "for"):
            assert NUMBER.sub("#", shipped[name]) == NUMBER.sub("#", faster[name])
            for was, now in zip(NUMBER.findall(shipped[name]), NUMBER.findall(faster[name]), strict=True):
                if was[-1].isalpha() or f"{float(was):g}" in times:
                    assert seconds_of(was, "was") == pytest.approx(seconds_of(now, "now") * factor, abs=factor / 1000)
                    divided += 1
                else:
                    assert was == now
    assert divided > 50


def rules(text: str) -> list[dict[str, str]]:
    return [rule for group in loaded(text)["groups"] for rule in group["rules"]]
