"""Long loops let others in, and lose nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobledger._metrics import giving_way as module

if TYPE_CHECKING:
    import pytest


def test_it_gives_way_after_each_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    happened: list[object] = []
    monkeypatch.setattr(module, "sleep", happened.append)
    items = module.giving_way("abcde", 2)
    while (item := next(items, None)) is not None:
        happened.append(item)
    assert happened == ["a", "b", 0, "c", "d", 0, "e"]
