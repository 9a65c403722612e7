"""The findings for people and for programs."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from jobledger.cli.doctor.finding import Finding, Level
from jobledger.cli.tables import Column, Styled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jobledger.cli.output import Output

_STYLES: Final = {Level.OK: "green", Level.WARNING: "yellow", Level.BROKEN: "bold red"}
_COLUMNS: Final = ("check", "result", Column("finding", folds=True))


def told(out: Output, store: str, findings: Sequence[tuple[str, Finding]]) -> int:
    """Tell them all, and then what to do.

    Returns:
        The exit code: 1 if something is broken.
    """
    counted = Counter(finding.level for _, finding in findings)
    if out.as_json:
        out.data(_data(store, findings, counted))
    else:
        _show(out, findings, counted)
    return 1 if counted[Level.BROKEN] else 0


def _show(out: Output, findings: Sequence[tuple[str, Finding]], counted: Counter[Level]) -> None:
    out.table(_COLUMNS, [[name, _styled(finding.level), finding.what] for name, finding in findings])
    remedies = {(name, finding.do): _STYLES[finding.level] for name, finding in findings if finding.do}
    if remedies:
        out.title("What to do")
    for (name, do), style in remedies.items():
        out.paragraph(f"{name}: ", do, style)
    out.line("")
    warnings = f"{counted[Level.WARNING]} warning{'' if counted[Level.WARNING] == 1 else 's'}"
    parts = [f"{counted[Level.BROKEN]} broken"] if counted[Level.BROKEN] else []
    parts += [warnings] if counted[Level.WARNING] else []
    worst = next((level for level in (Level.BROKEN, Level.WARNING) if counted[level]), Level.OK)
    out.line(f"{', '.join(parts) or 'all is well'} ({len(findings)} findings)", _STYLES[worst])


def _styled(level: Level) -> Styled:
    return Styled(level, _STYLES[level])


def _data(store: str, findings: Sequence[tuple[str, Finding]], counted: Counter[Level]) -> dict[str, Any]:
    listed = [
        {"check": name, "result": finding.level, "finding": finding.what, "do": finding.do or None}
        for name, finding in findings
    ]
    return {
        "store": store,
        "healthy": not counted[Level.BROKEN],
        "broken": counted[Level.BROKEN],
        "warnings": counted[Level.WARNING],
        "checks": listed,
    }
