"""Arguments of strangers on the command line: one line of explanation and the right exit code, never a traceback."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from typer.testing import CliRunner

from jobledger import App
from jobledger.cli.commands import cli
from tests.property.hostile.values import BROWSE, FEW, MEANT, TEXTS
from tests.sqlite_file import SqliteFile

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

NAMES = (
    "--url", "--app", "--json", "--entity", "--priority", "--delay", "--timeout", "--max-attempts", "--dedupe",
    "--dedupe-for", "--on-duplicate", "--batch-id", "--lines", "--wait", "--status", "--lane", "--type", "--batch",
    "--reason", "--submitted-since", "--ended-until", "--limit", "--after", "--count", "--by-type", "--catalog",
    "--openmetrics", "--markdown", "--all", "--yes", "--pre", "--deep", "--match", "--label", "--slo-wait", "--hung",
    "--min-attempts", "-h", "--version", "--", "-", "-x", "--=", "--url=",
)  # fmt: skip
NUMBERS = st.sampled_from(["-1", "0", "nan", "inf", "1e999", "9" * 30, "9" * 5_000, "1_0", "٣", "0x1", " 1", "1.5h"])
JSONS = st.sampled_from(
    ["{}", "[]", "[{}]", "null", "[" * 100_000, '{"a":' * 600 + "1" + "}" * 600, "9" * 5_000, "\ufeff{}"]
)


def text_of_bytes(character: str) -> bool:
    """Whether a system gives it: a byte that is no text comes as half of a surrogate pair, of one kind."""
    return not "\ud800" <= character <= "\udfff" or "\udc80" <= character <= "\udcff"


WORDS = TEXTS.filter(lambda text: all(text_of_bytes(one) for one in text)) | NUMBERS | JSONS
ARGUMENTS = st.lists(st.sampled_from(NAMES) | WORDS | st.sampled_from(["work", *MEANT[:8]]), max_size=5)
VERBS = st.sampled_from(
    [("submit",), ("status",), ("list",), ("cancel",), ("dlq",), ("dlq", "list"), ("dlq", "show"), ("dlq", "replay"),
     ("dlq", "discard"), ("metrics",), ("audit",), ("types",), ("export", "alerts"), ("export",), ("nonsense",), ()]
)  # fmt: skip
"""Those that come to an end by themselves."""
CHANGED = frozenset({"writer", "book", "sqlite_sequence"})
"""Who came and went."""


@pytest.fixture
def url(store_path: Path) -> str:
    url = f"sqlite:///{store_path}?durability=off"
    app = App(url)
    with app.blocking() as run:
        run(app.declare("work"))
        run(app.jobs.submit("work"))
    return url


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JOBLEDGER_URL", url)


def run(*words: str, stdin: bytes = b"") -> Result:
    return CliRunner().invoke(cli, [*words], input=stdin, prog_name="jobledger")


def dump(path: Path) -> dict[str, list[object]]:
    return {name: rows for name, rows in SqliteFile(path).dump().items() if name not in CHANGED}


def ends_well(result: Result, before: dict[str, list[object]], path: Path) -> None:
    assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
    assert result.exit_code in {0, 1, 2}
    assert "Traceback" not in result.output
    if result.exit_code:
        assert result.stderr or result.stdout
        assert dump(path) == before


@given(VERBS, ARGUMENTS)
@BROWSE
def test_any_words(store_path: Path, verb: tuple[str, ...], words: list[str]) -> None:
    before = dump(store_path)
    ends_well(run(*verb, *words), before, store_path)


@given(WORDS, st.dictionaries(st.sampled_from(NAMES[3:13]), WORDS, max_size=2))
@example("[" * 100_000, {})
@BROWSE
def test_any_submit(store_path: Path, payload: str, options: dict[str, str]) -> None:
    before = dump(store_path)
    given = [word for pair in options.items() for word in pair]
    ends_well(run("submit", *given, "--", "work", payload), before, store_path)


@given(st.binary(max_size=40) | TEXTS.map(lambda text: text.encode("utf-8", "surrogatepass")), st.booleans())
@example(b'{"a": "\xff"}', False)
@example(b'{"a": "\xed\xa0\x80"}', True)
@example(b"\xef\xbb\xbf{}", True)
@example(b"\x00\n{}", True)
@BROWSE
def test_any_bytes_from_stdin(store_path: Path, data: bytes, lines: bool) -> None:
    before = dump(store_path)
    ends_well(run("submit", "work", *(["--lines"] if lines else ["-"]), stdin=data), before, store_path)


@given(WORDS)
@FEW
def test_any_app(store_path: Path, target: str) -> None:
    before = dump(store_path)
    for named in (target, f"{target}:app", f"json:{target}"):
        ends_well(run("types", "--app", named), before, store_path)


@given(TEXTS)
@example("sqlite://[")
@example("sqlite:///a%00b")
@FEW
def test_any_store(store_path: Path, url: str) -> None:
    before = dump(store_path)
    for words in (("types",), ("migrate",), ("list",), ("doctor",), ("submit", "work")):
        ends_well(run(*words, "--url", url or "x"), before, store_path)
