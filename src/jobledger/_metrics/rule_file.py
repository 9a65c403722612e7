"""Rules as YAML: plain, always the same, and easy to review."""

from __future__ import annotations

import re
from textwrap import wrap
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobledger._metrics.alerts import Rule, RuleFile

HEAD: Final = """\
# Alerts on jobledger. Rendered by `jobledger export alerts`: change its options, not this file.
# Name this file under rule_files in prometheus.yml; `promtool check rules` reads it too.
"""
_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z_-]*|(?:[0-9]+(?:d|h|ms|m|s))+")
"""What is a text without quotes, too: words that YAML takes for nothing else, and lengths of time."""
_NOT_WORDS: Final = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
_WIDTH: Final = 110


def yaml_text(file: RuleFile) -> str:
    """The file, as Prometheus loads it.

    Args:
        file: from :func:`jobledger._metrics.alerts.rule_file`.

    Returns:
        YAML, with a comment at its head.
    """
    return HEAD + "\n".join(("groups:", *_groups(file))) + "\n"


def _groups(file: RuleFile) -> Iterator[str]:
    for group in file.groups:
        yield f"  - name: {_scalar(group.name)}"
        yield "    rules:"
        for rule in group.rules:
            yield from _rule(rule)


def _rule(rule: Rule) -> Iterator[str]:
    yield f"      - alert: {_scalar(rule.alert)}"
    yield "        expr: |-"
    yield from (f"          {line}" for line in rule.expr.split("\n"))
    yield f"        for: {_scalar(rule.lasting)}"
    for title, pairs in (("labels", rule.labels), ("annotations", rule.annotations)):
        yield f"        {title}:"
        for name, text in pairs.items():
            yield from _pair(name, text)


def _pair(name: str, text: str) -> Iterator[str]:
    line = f"          {name}: {_scalar(text)}"
    if len(line) <= _WIDTH or not _folds(text):
        yield line
        return
    yield f"          {name}: >-"
    yield from (f"            {part}" for part in _wrapped(text))


def _folds(text: str) -> bool:
    """Whether a text is the same after it was cut at spaces and put together again."""
    return " ".join(_wrapped(text)) == text


def _wrapped(text: str) -> list[str]:
    return wrap(text, _WIDTH - 12, break_long_words=False, break_on_hyphens=False)


def _scalar(text: str) -> str:
    """A text on one line: as it is, or in the quotes that JSON and YAML share."""
    if _PLAIN.fullmatch(text) and text.lower() not in _NOT_WORDS:
        return text
    return msgspec.json.encode(text).decode()
