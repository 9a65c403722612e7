"""``jobledger audit``: do the books balance?"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
import typer

from jobledger._types import seconds
from jobledger.cli.moments import clock
from jobledger.cli.options import AppOption, JsonOption, UrlOption
from jobledger.cli.session import Session
from jobledger.cli.tables import Cell, Column, Styled

if TYPE_CHECKING:
    from jobledger._core.books import Audit, Check
    from jobledger.app import App
    from jobledger.cli.output import Output

EPILOG = """\b
Examples:
  jobledger audit --url sqlite:///jobs.db
  jobledger audit --by-type
  jobledger audit --json | jq .balanced"""
_GOOD: Final = Styled("ok", "green")
_BAD: Final = Styled("BROKEN", "bold red")
_SUMS: Final = ("identity", Column("equation", folds=True), Column("left", right=True), Column("right", right=True), "")
_RULES: Final = (Column("rule", folds=True), "", Column("rows, up to ten", folds=True))
_BY_TYPE: Final = ("identity", "type", *_SUMS[1:])


def audit(
    *,
    by_type: Annotated[bool, typer.Option("--by-type", help="Every equation of every type, not their sums.")] = False,
    app: AppOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check that the books balance, while work goes on.

    From one snapshot, every equation between metrics and rows is computed and every structural rule is looked at. It
    only reads. The exit code is 0 when all of them hold and 1 when one doesn't; that would be a defect of
    jobledger: please report it.
    """
    session = Session(app, url, as_json=as_json)

    async def work(app: App) -> int:
        found = await app.metrics.audit()
        if as_json:
            session.out.data(_data(found))
        else:
            _show(session.out, found, by_type=by_type)
        return 0 if found.balanced else 1

    session.read(work)


def _show(out: Output, audit: Audit, *, by_type: bool) -> None:
    if by_type:
        out.table(_BY_TYPE, map(_type_row, audit.checks))
    else:
        out.table(_SUMS, _sums(audit))
        if audit.failed:
            out.title("Equations that do not hold")
            out.table(_BY_TYPE, map(_type_row, audit.failed))
    out.title("Structure")
    broken = {finding.rule: finding for finding in audit.broken}
    examples = {rule: ", ".join(finding.examples) for rule, finding in broken.items()}
    rows: list[list[Cell]] = [[rule, _BAD if rule in broken else _GOOD, examples.get(rule, "")] for rule in audit.rules]
    out.table(_RULES if broken else _RULES[:2], [row if broken else row[:2] for row in rows])
    verdict = "the books balance" if audit.balanced else f"the books are out of balance: {audit.findings} findings"
    counted = f"{len(audit.checks)} equations and {len(audit.rules)} rules as of {clock(_instant(audit))}"
    out.line("")
    out.line(f"{verdict} ({counted})", "bold green" if audit.balanced else "bold red")


def _sums(audit: Audit) -> list[list[Cell]]:
    """Each equation summed over its types: they hold one by one, so their sums do."""
    sums: dict[tuple[int, str], tuple[int, int, bool]] = {}
    for check in audit.checks:
        key = (check.identity, check.equation)
        left, right, ok = sums.get(key, (0, 0, True))
        sums[key] = (left + check.left, right + check.right, ok and check.ok)
    return [
        [str(identity), equation, f"{left:,}", f"{right:,}", _GOOD if ok else _BAD]
        for (identity, equation), (left, right, ok) in sorted(sums.items(), key=lambda item: item[0][0])
    ]


def _type_row(check: Check) -> list[Cell]:
    figures = [f"{check.left:,}", f"{check.right:,}"]
    return [str(check.identity), check.type, check.equation, *figures, _GOOD if check.ok else _BAD]


def _data(audit: Audit) -> dict[str, Any]:
    checks = [msgspec.structs.asdict(check) | {"ok": check.ok} for check in audit.checks]
    broken = {finding.rule: finding for finding in audit.broken}
    rules = [
        {"rule": rule, "ok": rule not in broken, "rows": broken[rule].rows if rule in broken else 0,
         "examples": broken[rule].examples if rule in broken else ()}
        for rule in audit.rules
    ]  # fmt: skip
    return {
        "balanced": audit.balanced,
        "findings": audit.findings,
        "as_of": _instant(audit),
        "checks": checks,
        "rules": rules,
    }


def _instant(audit: Audit) -> datetime:
    return datetime.fromtimestamp(seconds(audit.as_of), UTC)
