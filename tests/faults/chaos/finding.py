"""What a check has found; every check yields these, and none at all is the aim."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

_EXAMPLES = 5


class Finding(msgspec.Struct, frozen=True):
    """One thing that is off.

    Attributes:
        rule: what should hold.
        what: what was seen instead.
    """

    rule: str
    what: str


def told(findings: Iterable[Finding]) -> list[str]:
    """Each broken rule with how often, and some examples."""
    examples: dict[str, list[str]] = defaultdict(list)
    counts: Counter[str] = Counter()
    for finding in findings:
        counts[finding.rule] += 1
        if len(examples[finding.rule]) < _EXAMPLES:
            examples[finding.rule].append(finding.what)
    return [f"{rule}: {counts[rule]}\n" + "\n".join(f"    {what}" for what in examples[rule]) for rule in counts]
