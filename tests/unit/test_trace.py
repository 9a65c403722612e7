"""The trace id in a traceparent."""

import pytest

from jobledger._core.trace import trace_id

ID = "0af7651916cd43dd8448eb211c80319c"


@pytest.mark.parametrize("text", [f"00-{ID}-b7ad6b7169203331-01", f"cc-{ID}-b7ad6b7169203331-00-what-comes-later"])
def test_a_traceparent_has_one(text: str) -> None:
    assert trace_id(text) == ID


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        ID,
        f"00-{ID}-b7ad6b7169203331",
        f"00-{ID.upper()}-b7ad6b7169203331-01",
        f"00-{ID}0-b7ad6b7169203331-01",
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        f" 00-{ID}-b7ad6b7169203331-01",
        f"00-{ID}-b7ad6b7169203331-01\n",
    ],
)
def test_what_is_none_has_none(text: str | None) -> None:
    assert trace_id(text) is None
