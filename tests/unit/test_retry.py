"""Back-off: exponential, capped, with full jitter; and what the limits make of a failure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobledger._core import commands as c
from jobledger._core.decide import Change, decide
from jobledger._core.job import Job, Lane
from jobledger._core.outcome import Failed, Outcome, Retry
from jobledger._core.retry import DEFAULT_MAX_ATTEMPTS, DEFAULT_MAX_LOSSES, RetryPolicy
from jobledger._types import SECOND
from tests.some_jobs import MINE, NOW, RUN, job_in


def settled(job: Job, outcome: Outcome, policy: RetryPolicy = RetryPolicy(), jitter: float = 1.0) -> Job:  # noqa: B008 - frozen
    verdict = decide(job, c.Settle("a", 41, RUN, MINE, outcome, 0, retry=policy, jitter=jitter), NOW)
    assert isinstance(verdict, Change)
    return verdict.job


def test_the_defaults_are_ten_attempts_and_three_losses() -> None:
    assert (DEFAULT_MAX_ATTEMPTS, DEFAULT_MAX_LOSSES) == (10, 3)


@pytest.mark.parametrize(
    ("failures", "seconds"), [(1, 1), (2, 2), (3, 4), (9, 256), (10, 512), (11, 600), (1_000, 600)]
)
def test_the_longest_wait_doubles_up_to_ten_minutes(failures: int, seconds: int) -> None:
    assert RetryPolicy().delay(failures, 1.0) == seconds * SECOND


def test_full_jitter_takes_a_part_of_it() -> None:
    assert RetryPolicy().delay(3, 0.0) == 0
    assert RetryPolicy().delay(3, 0.25) == SECOND


@given(
    st.floats(0, 1e9), st.floats(1, 1e9), st.floats(0, 1e9), st.integers(1, 10_000), st.floats(0, 1, exclude_max=True)
)
def test_no_wait_is_negative_or_above_the_cap(
    base: float, factor: float, cap: float, failures: int, sample: float
) -> None:
    delay = RetryPolicy(base, factor, cap).delay(failures, sample)
    assert 0 <= delay <= cap * SECOND + 1


def test_a_failed_attempt_is_due_after_its_back_off() -> None:
    job = settled(job_in(Lane.PROCESSING, failures=2), Failed("x"), jitter=0.5)
    assert (job.lane, job.failures, job.due_at, job.eligible_at) == (Lane.SCHEDULED, 3, NOW + 2 * SECOND, None)


def test_a_handler_that_says_when_is_not_jittered() -> None:
    assert settled(job_in(Lane.PROCESSING), Retry(after=1.5), jitter=0.0).due_at == NOW + 1_500_000


def test_a_wait_below_zero_is_none() -> None:
    assert settled(job_in(Lane.PROCESSING), Retry(after=-3)).due_at == NOW


@pytest.mark.parametrize(("limit", "lane"), [(1, Lane.FAILED), (2, Lane.SCHEDULED)])
def test_the_limit_counts_attempts_of_this_life(limit: int, lane: Lane) -> None:
    assert settled(job_in(Lane.PROCESSING, max_attempts=limit), Failed("x")).lane is lane


@pytest.mark.parametrize(("on_retry", "holds"), [("block", True), ("step-aside", False)])
def test_only_an_entity_is_held_and_only_if_the_type_blocks(on_retry: str, holds: bool) -> None:
    policy = RetryPolicy(on_retry="block" if on_retry == "block" else "step-aside")
    assert settled(job_in(Lane.PROCESSING, keyed=True), Failed("x"), policy).holds is holds
    assert settled(job_in(Lane.PROCESSING), Failed("x"), policy).holds is False


def test_losses_do_not_use_up_attempts() -> None:
    verdict = decide(job_in(Lane.PROCESSING, failures=9, max_losses=2), c.Lose(MINE), NOW)
    assert isinstance(verdict, Change)
    assert (verdict.job.lane, verdict.job.failures, verdict.job.losses) == (Lane.READY, 9, 1)
