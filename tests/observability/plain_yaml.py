"""A strict reader of the little YAML that rule files are written in, so that they can be checked without promtool."""

from __future__ import annotations

import json
import re
from typing import Any

_WORD = re.compile(r"[A-Za-z][A-Za-z_-]*|(?:[0-9]+(?:d|h|ms|m|s))+")


def loaded(text: str) -> Any:
    """What YAML says: mappings, lists, texts."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    value, rest = _block(lines, 0)
    assert rest == [], rest
    return value


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _block(lines: list[str], indent: int) -> tuple[Any, list[str]]:
    """The block that begins with the first line."""
    assert _indent(lines[0]) == indent, lines[0]
    if lines[0].lstrip().startswith("- "):
        return _list(lines, indent)
    found: dict[str, Any] = {}
    while lines and _indent(lines[0]) == indent and not lines[0].lstrip().startswith("- "):
        name, colon, inline = lines[0].strip().partition(":")
        assert colon, lines[0]
        assert name not in found, lines[0]
        found[name], lines = _value(inline.strip(), lines[1:], indent)
    return found, lines


def _list(lines: list[str], indent: int) -> tuple[list[Any], list[str]]:
    found: list[Any] = []
    while lines and _indent(lines[0]) == indent and lines[0].lstrip().startswith("- "):
        first = " " * (indent + 2) + lines[0].lstrip()[2:]
        item, lines = _block([first, *lines[1:]], indent + 2)
        found.append(item)
    return found, lines


def _value(inline: str, lines: list[str], indent: int) -> tuple[Any, list[str]]:
    if not inline:
        return _block(lines, _indent(lines[0]))
    if inline not in {"|-", ">-"}:
        return _scalar(inline), lines
    inside = _taken(lines, indent)
    margin = _indent(inside[0])
    text = ("\n" if inline == "|-" else " ").join(line[margin:] for line in inside)
    return text, lines[len(inside) :]


def _taken(lines: list[str], indent: int) -> list[str]:
    """The lines that stand deeper."""
    deeper = [_indent(line) > indent for line in lines]
    return lines[: deeper.index(False)] if False in deeper else lines


def _scalar(text: str) -> str:
    if text.startswith('"'):
        value = json.loads(text)
        assert isinstance(value, str)
        return value
    assert _WORD.fullmatch(text), text
    assert text.lower() not in {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}, text
    return text
