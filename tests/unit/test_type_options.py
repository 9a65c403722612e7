"""How jobs of a type behave: every option is checked when the handler is registered."""

from typing import Any

import pytest

from jobledger import App, Priority
from jobledger._core.retry import RetryPolicy
from jobledger._runtime.registry import TypeOptions
from jobledger._store.contract import Declaration
from jobledger.errors import InvalidOption

BAD: list[tuple[dict[str, Any], str]] = [
    ({"priority": "urgent"}, "unknown priority"),
    ({"timeout": 0}, "timeout must be more than 0"),
    ({"timeout": "1m"}, "timeout must be a number"),
    ({"max_attempts": 0}, "max_attempts must be a whole number from 1"),
    ({"max_attempts": 2**63}, "max_attempts must be a whole number from 1"),
    ({"max_losses": 0}, "max_losses must be a whole number from 1"),
    ({"max_losses": 1.5}, "max_losses must be a whole number from 1"),
    ({"retry_base": -1}, "retry_base must be at least 0"),
    ({"retry_base": float("nan")}, "retry_base must be a number"),
    ({"retry_cap": float("inf")}, "retry_cap must be a number"),
    ({"retry_cap": None}, "retry_cap must be a number"),
    ({"retry_factor": 0.5}, "retry_factor must be"),
    ({"retry_factor": float("nan")}, "retry_factor must be"),
    ({"retry_factor": float("inf")}, "retry_factor must be"),
    ({"retry_factor": "2"}, "retry_factor must be"),
    ({"retry_factor": True}, "retry_factor must be"),
    ({"on_retry": "wait"}, 'on_retry is "block" or "step-aside"'),
    ({"on_retry": []}, 'on_retry is "block" or "step-aside"'),
]


@pytest.mark.parametrize(("options", "says"), BAD, ids=lambda value: repr(value)[:60])
def test_every_bad_option_is_refused(app: App, options: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidOption, match=says):
        app.job("work", **options)(lambda: None)
    assert app.handled == ()


@pytest.mark.parametrize("name", ["", "x" * 256, "a\n", "\ud800", 5, None, b"mail"])
def test_every_bad_name_is_refused(app: App, name: Any) -> None:
    with pytest.raises(InvalidOption, match=r"type .*(must|control)"):
        app.job(name)(lambda: None)


@pytest.mark.parametrize("name", ["", None, "a\x00"])
async def test_a_declaration_is_checked_too(app: App, name: Any) -> None:
    async with app:
        with pytest.raises(InvalidOption, match="type"):
            await app.declare(name)
        with pytest.raises(InvalidOption, match="max_attempts"):
            await app.declare("work", max_attempts=0)


def test_what_the_table_of_types_keeps() -> None:
    options = TypeOptions(priority="low", timeout=1.5, max_attempts=3, max_losses=2)
    assert options.declared("mail\u200b") == Declaration("mail\u200b", "mail", int(Priority.LOW), 3, 2, 1_500_000)
    assert TypeOptions().declared("mail") == Declaration("mail", "mail", int(Priority.NORMAL), 10, 3, None)


def test_what_the_worker_keeps() -> None:
    options = TypeOptions(retry_base=2, retry_factor=3, retry_cap=100, on_retry="step-aside")
    assert options.policy() == RetryPolicy(2.0, 3, 100.0, "step-aside")


def test_no_policy_can_break_a_settlement() -> None:
    """At its extremes and after many failures a pause is still a number."""
    for base in (0, 1e-6, 10 * 365 * 86_400):
        for factor in (1, 2, 1_000):
            policy = TypeOptions(retry_base=base, retry_factor=factor, retry_cap=600).policy()
            for failures in (1, 2, 65, 10_000):
                assert 0 <= policy.delay(failures, 0.999) <= 600_000_000
