"""The programs in README.md and docs/*.md run as they stand, and print what the page says they print.

A `python` block with the comment `<!-- run -->` before it is a whole program: it must end well. A `text` block right
behind it is what it prints. Any other `python` block must at least be Python.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import jobledger

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
MARK = "<!-- run -->"
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SECONDS = 30


@dataclass
class Example:
    """One python block of a page."""

    name: str
    code: str
    prints: str | None
    runs: bool


def examples_of(name: str, text: str) -> list[Example]:
    """The python blocks of a page; each is called by the page and the line that it begins on."""
    blocks = list(FENCE.finditer(text))
    found: list[Example] = []
    for block, after in zip(blocks, [*blocks[1:], None], strict=True):
        if block[1] != "python":
            continue
        follows = after is not None and after[1] == "text" and not text[block.end() : after.start()].strip()
        line = text.count("\n", 0, block.start()) + 1
        runs = text[: block.start()].rstrip().endswith(MARK)
        found.append(Example(f"{name}:{line}", block[2], after[2] if after is not None and follows else None, runs))
    return found


def run(example: Example, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a program as a reader would, in a folder of its own; a warning is an error."""
    program = folder / "example.py"
    program.write_text(example.code, encoding="utf-8")
    source = str(Path(jobledger.__file__).parents[1])
    environment = {name: value for name, value in os.environ.items() if not name.startswith("JOBLEDGER_")}
    return subprocess.run(
        [sys.executable, "-W", "error", program.name],
        cwd=folder,
        env=environment | {"PYTHONPATH": source, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        timeout=SECONDS,
        check=False,
    )


EXAMPLES = [
    example
    for page in PAGES
    for example in examples_of(str(page.relative_to(ROOT)), page.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize("example", [one for one in EXAMPLES if one.runs], ids=lambda one: one.name)
def test_a_program_runs_and_prints_what_the_page_says(example: Example, tmp_path: Path) -> None:
    ended = run(example, tmp_path)

    assert ended.returncode == 0, f"{example.name}: {ended.stderr or ended.stdout}"
    if example.prints is not None:
        assert ended.stdout == example.prints, f"{example.name}: {ended.stderr}"


@pytest.mark.parametrize("example", [one for one in EXAMPLES if not one.runs], ids=lambda one: one.name)
def test_a_fragment_is_python(example: Example) -> None:
    compile(example.code, example.name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


@pytest.mark.parametrize("page", ["README.md", "docs/guide.md"])
def test_every_example_for_users_is_run(page: str) -> None:
    ours = [example for example in EXAMPLES if example.name.startswith(f"{page}:")]

    assert ours
    assert [example.name for example in ours if not example.runs] == []


# The reader of the pages

PAGE = f"""\
# Title

{MARK}
```python
print("one")
```

```text
one
```

{MARK}

```python
print("two")
```

Words, so this is not its output:

```text
else
```

```python
await fragment()
```
"""


def test_blocks_are_found_with_their_mark_and_their_output() -> None:
    assert [(one.name, one.prints, one.runs) for one in examples_of("page.md", PAGE)] == [
        ("page.md:4", "one\n", True),
        ("page.md:14", None, True),
        ("page.md:24", None, False),
    ]


@pytest.mark.parametrize("code", ["raise SystemExit(3)", "import warnings\nwarnings.warn('old', stacklevel=1)"])
def test_a_program_that_fails_or_warns_is_seen(code: str, tmp_path: Path) -> None:
    assert run(Example("page.md:1", code, None, runs=True), tmp_path).returncode != 0
