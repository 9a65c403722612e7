"""Options, names and numbers: each is taken and kept as it is, or refused with a word of explanation."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jobledger import App
from jobledger._core.commands import UserDelta
from jobledger._core.labels import label
from jobledger._escape import brief
from jobledger.errors import InvalidInput, InvalidOption
from tests.property.hostile.conftest import TYPE, Desk, Refused
from tests.property.hostile.values import ANY, BROWSE, NUMBERS, TEXTS, UNSAYABLE, is_harmless

if TYPE_CHECKING:
    from collections.abc import Callable

SUBMIT = (
    "entity", "priority", "delay", "at", "timeout", "max_attempts", "dedupe", "dedupe_for", "on_duplicate", "batch",
    "trace", "strange",
)  # fmt: skip
DECLARE = ("priority", "timeout", "max_attempts", "max_losses")
REGISTER = (*DECLARE, "retry_base", "retry_factor", "retry_cap", "on_retry")
LIST = (
    "status", "lane", "type", "entity", "batch", "reason", "submitted_since", "submitted_until", "ended_since",
    "ended_until", "after", "limit", "newest_first", "strange",
)  # fmt: skip
KEPT = ("entity", "dedupe", "batch", "trace")
"""What comes back as it was given."""


def options(names: tuple[str, ...]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from(names), ANY, max_size=3)


@given(options(SUBMIT))
@BROWSE
async def test_options_of_a_submit(desk: Desk, given: dict[str, Any]) -> None:
    answer = await desk.tried(lambda: desk.app.jobs.submit(TYPE, {}, **given))
    if isinstance(answer, Refused):
        assert isinstance(answer.error, InvalidInput)
    elif answer.created:
        report = await desk.app.jobs.status(answer)
        assert {name: getattr(report, name) for name in KEPT if name in given} == {
            name: given[name] for name in KEPT if name in given
        }


@given(TEXTS, TEXTS)
@BROWSE
async def test_an_entity_and_a_key_are_what_they_were(desk: Desk, entity: str, key: str) -> None:
    """Whatever they mean to a database: they find their job, and no other."""
    answer = await desk.tried(lambda: desk.app.jobs.submit(TYPE, {}, entity=entity, dedupe=key, batch=entity))
    if isinstance(answer, Refused):
        assert isinstance(answer.error, InvalidOption)
        return
    report = await desk.app.jobs.status(answer)
    assert report.dedupe == key
    if answer.created:
        assert (report.entity, report.batch) == (entity, entity)
        assert answer in [job.id for job in (await desk.app.jobs.list(entity=entity, batch=entity)).jobs]
    again = await desk.app.jobs.submit(TYPE, {}, dedupe=key)
    assert (again, again.created) == (answer, False)


@given(ANY)
@BROWSE
async def test_any_type_of_a_submit(desk: Desk, name: Any) -> None:
    if name != TYPE:
        assert isinstance(await desk.tried(lambda: desk.app.jobs.submit(name)), Refused)
        assert isinstance(await desk.tried(lambda: desk.app.jobs.submit(name, [{}])), Refused)


@given(ANY, options(DECLARE))
@BROWSE
async def test_any_declaration(desk: Desk, name: Any, given: dict[str, Any]) -> None:
    answer = await desk.tried(lambda: desk.app.declare(name, **given))
    if not isinstance(answer, Refused):
        job_id = await desk.app.jobs.submit(name)
        assert (await desk.app.jobs.status(job_id)).type == name


@given(options(LIST))
@BROWSE
async def test_any_list(desk: Desk, given: dict[str, Any]) -> None:
    await desk.tried(lambda: desk.app.jobs.list(**given))


@given(ANY)
@example([])
@BROWSE
async def test_any_id(desk: Desk, job_id: Any) -> None:
    for verb in ("status", "cancel", "replay", "discard", "result"):
        assert isinstance(await desk.tried(partial(getattr(desk.app.jobs, verb), job_id)), Refused)


@given(ANY)
@BROWSE
async def test_any_wait(desk: Desk, wait: Any) -> None:
    if wait != 0 or isinstance(wait, bool):
        ended = await desk.app.jobs.submit(TYPE)
        await desk.app.jobs.cancel(ended)
        assert isinstance(await desk.tried(lambda: desk.app.jobs.result(ended, wait=wait)), Refused)


@given(ANY, ANY, st.dictionaries(TEXTS, ANY, max_size=2))
@example("a_total", 10**400, {})
@BROWSE
async def test_any_count(desk: Desk, name: Any, number: Any, labels: dict[str, Any]) -> None:
    for counting in (desk.app.metrics.inc, desk.app.metrics.observe):
        for called in (name, "a_total", "a_bytes"):
            await desk.tried(partial(counting, called, number, **labels))


@given(ANY, NUMBERS)
@BROWSE
async def test_any_question(desk: Desk, value: Any, number: float) -> None:
    jobs = desk.app.metrics.jobs
    await desk.tried(lambda: jobs.queue_depth.read(type=value))
    await desk.tried(lambda: jobs.queue_depth.read(priority=value))
    quantiles = await jobs.wait_duration.read()
    asked: Any
    for asked in (value, number):
        refuses(partial(quantiles.quantile, asked))
        refuses(partial(desk.app.metrics.namespace, asked))


@given(options(REGISTER), ANY)
@BROWSE
def test_any_registration(given: dict[str, Any], name: Any) -> None:
    async def work() -> None: ...

    refuses(lambda: App("sqlite:///never.db").job(name, **given)(work))


@given(ANY, ANY)
@example(5, (1e-300, 1e-299))
@BROWSE
def test_any_configuration(retention: Any, boundaries: Any) -> None:
    refuses(lambda: App("sqlite:///never.db", retention=retention))
    refuses(lambda: App("sqlite:///never.db", boundaries=boundaries))
    refuses(lambda: App("sqlite:///never.db", boundaries=(boundaries,)))


@given(st.dictionaries(st.sampled_from(["slots", "threads", "grace", "lease"]), ANY, min_size=1, max_size=2))
@BROWSE
async def test_any_size_of_a_worker(desk: Desk, given: dict[str, Any]) -> None:
    """Sizes that are taken are not tried: a machine has only so many threads."""
    app = App(desk.app.url)

    @app.job(TYPE)
    async def work() -> None: ...

    try:
        worker = app.worker(**given)
        sizes = {name: given.get(name) for name in ("slots", "threads")}
        if any(isinstance(size, int) and size > 5 for size in sizes.values()):
            return
        async with worker:
            pass
    except InvalidOption:
        return


def refuses(ask: Callable[[], object]) -> None:
    """It is taken or refused; nothing else."""
    with suppress(InvalidInput):
        ask()


@given(TEXTS | st.text(st.characters(exclude_categories=())))
@BROWSE
def test_a_label_is_seen_and_stays_as_it_is(text: str) -> None:
    made = label(text)
    assert 1 <= len(made) <= 123
    assert label(made) == made
    assert is_harmless(made)
    assert made == made.strip()
    assert made.encode().decode() == made


@pytest.mark.parametrize("sign", [1, -1])
async def test_a_number_that_has_no_text(desk: Desk, sign: int) -> None:
    """In the place of everything else: errors name what they refuse."""
    number: Any = sign * UNSAYABLE
    jobs, metrics = desk.app.jobs, desk.app.metrics
    for name in SUBMIT[:-1]:
        given: dict[str, Any] = {"dedupe": "k", name: number}
        assert isinstance(await desk.tried(partial(jobs.submit, TYPE, {}, **given)), Refused)
    for name in LIST[:-2]:
        assert isinstance(await desk.tried(partial(jobs.list, **{name: number})), Refused)
    for name in DECLARE:
        assert isinstance(await desk.tried(partial(desk.app.declare, "x", **{name: number})), Refused)
    for name in REGISTER:
        refuses(partial(App("sqlite:///never.db").job, "x", **{name: number}))
    odd = number
    for ask in (
        lambda: jobs.submit(odd), lambda: jobs.submit(TYPE, odd), lambda: jobs.submit(TYPE, [odd]),
        lambda: jobs.submit(TYPE, {"n": odd}), lambda: jobs.status(odd), lambda: jobs.result("x", wait=odd),
        lambda: metrics.inc("a_total", odd), lambda: metrics.inc(odd), lambda: metrics.observe("a_bytes", odd),
        lambda: metrics.inc("a_total", label=odd), lambda: metrics.jobs.queue_depth.read(type=odd),
        lambda: metrics.jobs.queue_depth.read(priority=odd), lambda: desk.app.worker(slots=odd).__aenter__(),
    ):  # fmt: skip
        assert isinstance(await desk.tried(ask), Refused)
    refuses(lambda: metrics.namespace(odd))
    refuses(lambda: App("sqlite:///never.db", retention=odd))
    refuses(lambda: App("sqlite:///never.db", boundaries=(odd,)))
    refuses(lambda: App("sqlite:///never.db", boundaries=odd))


@pytest.mark.parametrize("url", ["postgres"], indirect=True)
async def test_what_got_past_all_checks_is_no_trouble_of_the_store(desk: Desk) -> None:
    """The server says that it can't hold it: its sender is told, and nobody waits for that to pass."""
    poison = UserDelta("a\0b_total", "counter", (), 1)
    refused, accepted = await asyncio.gather(
        desk.app._count((poison,)), desk.app.jobs.submit(TYPE), return_exceptions=True
    )
    assert isinstance(refused, InvalidOption)
    assert "can't hold what was sent" in str(refused)
    assert (await desk.app.jobs.status(str(accepted))).status == "queued"


class Odd:
    """A caller's own, whose word for itself is an error."""

    def __repr__(self) -> str:
        raise ZeroDivisionError


@given(ANY)
@example("x" * 10**6)
@BROWSE
def test_a_value_in_an_error_is_short_and_no_error(value: Any) -> None:
    assert 0 < len(brief(value)) <= 201


async def test_an_odd_value_is_refused_as_any_other(desk: Desk) -> None:
    odd: Any = Odd()
    answer = await desk.tried(lambda: desk.app.jobs.submit(TYPE, {}, delay=odd))
    assert isinstance(answer, Refused)
    with pytest.raises(InvalidOption, match="a value of the type Odd"):
        raise answer.error
