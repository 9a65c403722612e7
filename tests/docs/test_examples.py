"""The programs in README.md and docs/*.md run as they stand, and print what the page says they print.

A `python` or `sh` block with the comment `<!-- run -->` before it is a whole program: it must end well. A `text` block
right behind it is what it prints. Any other `python` block must at least be Python.
"""

from __future__ import annotations

import ast
import contextlib
import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import pytest

import jobledger

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
MARK = "<!-- run -->"
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROGRAMS = {"python": [sys.executable, "-W", "error"], "sh": ["sh", "-eu"]}
COMMAND = f'#!/bin/sh\nexec "{sys.executable}" -W error -m jobledger "$@"\n'
SECONDS = 40


@dataclass
class Example:
    """One block of code of a page."""

    name: str
    language: str
    code: str
    prints: str | None
    runs: bool


def examples_of(name: str, text: str) -> list[Example]:
    """The blocks of code of a page; each is called by the page and the line that it begins on."""
    blocks = list(FENCE.finditer(text))
    found: list[Example] = []
    for block, after in zip_longest(blocks, blocks[1:]):
        if block[1] not in PROGRAMS:
            continue
        follows = after is not None and after[1] == "text" and not text[block.end() : after.start()].strip()
        line = text.count("\n", 0, block.start()) + 1
        runs = text[: block.start()].rstrip().endswith(MARK)
        prints = after[2] if after is not None and follows else None
        found.append(Example(f"{name}:{line}", block[1], block[2], prints, runs))
    return found


def run(example: Example, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a program as a reader would, in a folder of its own; a warning is an error. Nothing of it stays behind."""
    program = folder / "example"
    program.write_text(example.code, encoding="utf-8")
    commands = folder / "bin"
    commands.mkdir()
    (commands / "jobledger").write_text(COMMAND, encoding="utf-8")
    (commands / "jobledger").chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("JOBLEDGER_")} | {
        "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(Path(jobledger.__file__).parents[1]),
        "PYTHONIOENCODING": "utf-8",
    }
    started = subprocess.Popen(
        [*PROGRAMS[example.language], program.name],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,
    )
    try:
        out, err = started.communicate(timeout=SECONDS)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(started.pid, signal.SIGKILL)
    return subprocess.CompletedProcess(started.args, started.returncode, out, err)


EXAMPLES = [
    example for page in PAGES for example in examples_of(str(page.relative_to(ROOT)), page.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize("example", [one for one in EXAMPLES if one.runs], ids=lambda one: one.name)
def test_a_program_runs_and_prints_what_the_page_says(example: Example, tmp_path: Path) -> None:
    ended = run(example, tmp_path)

    assert ended.returncode == 0, f"{example.name}: {ended.stderr or ended.stdout}"
    if example.prints is not None:
        assert ended.stdout == example.prints, f"{example.name}: {ended.stderr}"


FRAGMENTS = [one for one in EXAMPLES if one.language == "python" and not one.runs]


@pytest.mark.parametrize("example", FRAGMENTS, ids=lambda one: one.name)
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

```sh
echo two
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
    assert [(one.name, one.language, one.prints, one.runs) for one in examples_of("page.md", PAGE)] == [
        ("page.md:4", "python", "one\n", True),
        ("page.md:14", "sh", None, True),
        ("page.md:24", "python", None, False),
    ]


@pytest.mark.parametrize(
    ("language", "code"),
    [
        ("python", "raise SystemExit(3)"),
        ("python", "import warnings\nwarnings.warn('old', stacklevel=1)"),
        ("sh", "jobledger nonsense\necho went on"),
    ],
)
def test_a_program_that_fails_or_warns_is_seen(language: str, code: str, tmp_path: Path) -> None:
    assert run(Example("page.md:1", language, code, None, runs=True), tmp_path).returncode != 0
