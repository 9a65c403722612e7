"""URLs: each names a store, or is refused in words that show no password; nothing is made where nothing is named."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jobledger import App
from jobledger._store.open import is_postgres, open_store, schema_of
from jobledger.cli.source import public
from jobledger.errors import InvalidOption, JobledgerError
from tests.property.hostile.values import BROWSE, MEANT, TEXTS

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = "hunter2"  # noqa: S105 - that is the point
HEADS = st.sampled_from(
    ["sqlite://", "sqlite:///", "sqlite:////", "postgresql://", "postgres://", "sqlite:", "", "x://"]
)
PLACES = st.sampled_from(
    ["", "h", "h:1", "h:99999", "[", "]", "[::1]", "[::1", "[v1.x]", "℀", "h,i:2", "h:x", ":", "%00"]
)
TAILS = st.lists(
    st.sampled_from(["/", "?", "&", "=", "#", "%", "%00", "%ff", "%2f", "..", "durability=off", "schema=x", "@", ":"])
    | st.sampled_from(MEANT)
    | st.text(st.characters(exclude_categories=()), max_size=3),
    max_size=6,
).map("".join)


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder to find relative paths in."""
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.chdir(folder)
        yield Path(folder)


@given(HEADS, PLACES, TAILS, st.booleans())
@example("postgresql://", "[", "", True)
@example("sqlite://", "℀", "/x", True)
@example("sqlite:///", "", "a%00b", False)
@example("sqlite:///", "", "\ud800", False)
@BROWSE
def test_any_url(head: str, place: str, tail: str, secret: bool) -> None:
    url = f"{head}{f'me:{SECRET}@' if secret else ''}{place}{tail}"
    for ask in (public, is_postgres, schema_of, lambda url: open_store(url, lambda: 0)):
        try:
            said = str(ask(url))
        except InvalidOption as error:
            said = f"{error} {error.__cause__}"
        if head.endswith(":" + "//"):
            assert SECRET not in said


@given(TEXTS)
@BROWSE
async def test_any_path(elsewhere: Path, name: str) -> None:
    """What a path is called is no matter to a store, if the system takes it; if not, nothing is left behind."""
    kept = name.replace("/", "_") or "x"
    if kept in {".", "..", "~"}:
        return
    before = files(elsewhere)
    try:
        async with App(f"sqlite:///{quote(kept, errors='surrogatepass')}?durability=off") as app:
            await app.declare("work")
            job_id = await app.jobs.submit("work")
            assert (await app.jobs.status(job_id)).type == "work"
    except InvalidOption:
        left = files(elsewhere)
    else:
        return
    assert left == before


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize(
    "path",
    ["x" * 5_000, "a/" * 5_000 + "x", "a\x00b", "\ud800", ".", "..", "/dev/null", "/proc/self/mem"],
    ids=lambda path: ascii(path)[:20],
)
@pytest.mark.unaudited("there is no store")
async def test_a_path_that_can_be_no_store(path: str, read_only: bool) -> None:
    with pytest.raises(JobledgerError):
        async with App(f"sqlite:///{path}", read_only=read_only):
            pass


DRIVERS = st.sampled_from(
    ["sslmode", "sslcert", "sslrootcert", "passfile", "port", "user", "password", "timeout", "command_timeout",
     "options", "target_session_attrs", "krbsrvname", "gsslib", "server_settings", "service", "schema"]
)  # fmt: skip


@given(st.dictionaries(TEXTS | DRIVERS, TEXTS | st.sampled_from(["1", "require", "verify-full", "any"]), max_size=3))
@BROWSE
@pytest.mark.unaudited("there is no server")
async def test_any_option_of_postgresql(given: dict[str, str]) -> None:
    """Nobody listens at that port; what the driver says of an option of its own is told as ours."""
    query = "&".join(f"{quote(k, errors='replace')}={quote(v, errors='replace')}" for k, v in given.items())
    with pytest.raises(JobledgerError):
        async with App(f"postgresql://me:{SECRET}@127.0.0.1:1/jobs?{query}"):
            pass
