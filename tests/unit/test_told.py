"""Errors as history keeps them."""

from collections.abc import Callable

import pytest

from jobledger import App
from jobledger._config import MAX_ERROR
from jobledger._runtime.told import clipped
from jobledger.errors import JobEnded


def test_the_end_of_a_long_error_is_kept() -> None:
    assert clipped("x" * MAX_ERROR + "ValueError: why").endswith("ValueError: why")
    assert len(clipped("x" * MAX_ERROR * 2)) == MAX_ERROR + 1


def test_what_no_store_can_hold_is_made_visible() -> None:
    """PostgreSQL has no NUL in its texts, and no halves of surrogate pairs."""
    assert clipped("no\0body \ud800") == r"no\x00body ?"


@pytest.mark.parametrize(
    ("error", "kept"),
    [
        ("no route to postgresql://jobs:s3cr:et@db.example/shop", "no route to postgresql://jobs:***@db.example/shop"),
        ("redis://:s3cret@cache:6379/0, amqp://a:b@c", "redis://:***@cache:6379/0, amqp://a:***@c"),
        ("https://example.org:8080/@ada and a:b@c", "https://example.org:8080/@ada and a:b@c"),
    ],
)
def test_the_password_of_a_url_is_not_kept(error: str, kept: str) -> None:
    assert clipped(error) == kept


def test_a_password_is_hidden_before_the_text_is_cut() -> None:
    url = "postgresql://jobs:" + "s3cret" * 10
    assert "s3cret" not in clipped(f"{url}@db/{'x' * (MAX_ERROR - 20)}")


async def test_a_traceback_begins_in_the_handler(app: App) -> None:
    """Also when the handler ran in a thread; the runtime's own frames say nothing to its author."""

    @app.job("task", max_attempts=1)
    async def task() -> None:
        raise ValueError("why")

    @app.job("thread", max_attempts=1)
    def thread() -> None:
        raise ValueError("why")

    async with app.worker():
        for handler in (task, thread):
            job_id = await handler.submit()
            assert (await _failed(handler.result, job_id)).reason == "MaxAttempts"
            error = (await app.jobs.status(job_id)).error or ""
            assert "_runtime" not in error
            assert "concurrent" not in error
            assert next(line for line in error.splitlines() if line.startswith("  File")).endswith(handler.name)
            assert error.strip().endswith("ValueError: why")


async def _failed(result: Callable[..., object], job_id: str) -> JobEnded:
    try:
        await result(job_id, wait=10)  # type: ignore[misc]
    except JobEnded as error:
        return error
    raise AssertionError("it did not fail")
