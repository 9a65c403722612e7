"""A job is submitted from anywhere and run by a worker."""

from collections.abc import Callable

from jobledger import App, Context, JobId
from tests.waiting import until


async def test_a_submitted_job_is_run_by_a_worker(app: App) -> None:
    """`submit` accepts a job; a worker, here in the same process, runs its handler."""
    greeted: list[str] = []

    @app.job("greet")
    async def greet(*, name: str) -> None:
        greeted.append(name)

    async with app.worker():
        job_id = await greet.submit(name="Ada")
        await greet.result(job_id, wait=5)

    assert greeted == ["Ada"]


async def test_a_job_waits_for_a_worker(new_app: Callable[[], App]) -> None:
    """A client submits and goes; the job is kept until a worker comes, in another process if need be."""
    client, server = new_app(), new_app()

    async with client:
        await client.declare("greet")
        job_id = await client.jobs.submit("greet", {"name": "Ada"})
        assert (await client.jobs.status(job_id)).status == "queued"

    @server.job("greet")
    async def greet(*, name: str) -> str:
        return f"hello {name}"

    async with server.worker():
        assert await server.jobs.result(job_id, wait=5) == "hello Ada"


async def test_a_worker_hears_of_a_job_submitted_elsewhere(new_app: Callable[[], App]) -> None:
    """A running worker finds what another process submits within a fraction of a second."""
    client, server = new_app(), new_app()

    @server.job("greet")
    async def greet(*, name: str) -> str:
        return f"hello {name}"

    async with server.worker(), client:
        job_id = await client.jobs.submit("greet", {"name": "Ada"})
        assert await client.jobs.result(job_id, wait=5) == "hello Ada"


async def test_by_name_or_by_handler_is_the_same(app: App) -> None:
    """`app.jobs.submit(name, payload)` and `handler.submit(…)` do the same; the second one is typed."""

    @app.job("add")
    async def add(*, a: int, b: int) -> int:
        return a + b

    async with app.worker():
        by_name = await app.jobs.submit("add", {"a": 1, "b": 2})
        by_handler = await add.submit(a=1, b=2)
        assert await app.jobs.result(by_name, wait=5) == await app.jobs.result(by_handler, wait=5) == 3


async def test_an_id_is_plain_text(app: App) -> None:
    """A job's id is a string that can be kept anywhere; it is made before the job is sent."""
    async with app:
        await app.declare("greet")
        job_id = await app.jobs.submit("greet")

    assert isinstance(job_id, JobId)
    assert isinstance(job_id, str)
    assert len(job_id) == 36


async def test_the_context_tells_the_handler_about_its_job(app: App) -> None:
    """A parameter annotated `Context` gets the job's id, type, entity, priority, attempt, trace and fence."""
    seen: list[Context] = []

    @app.job("greet", priority="high")
    async def greet(ctx: Context, *, name: str) -> None:
        seen.append(ctx)

    async with app.worker():
        job_id = await greet.options(entity="customer:42", trace="00-ab-cd-01").submit(name="Ada")
        await until(lambda: seen, "the handler has run")

    (ctx,) = seen
    assert (ctx.job_id, ctx.type, ctx.entity, ctx.priority.label) == (job_id, "greet", "customer:42", "high")
    assert (ctx.attempt, ctx.trace, ctx.cancelled) == (1, "00-ab-cd-01", False)
    assert ctx.fence > 0


async def test_one_worker_runs_many_jobs_at_once(app: App) -> None:
    """`slots` is how many `async def` handlers run at the same time."""
    running: set[int] = set()

    @app.job("wait for all")
    async def wait_for_all(*, number: int) -> None:
        running.add(number)
        await until(lambda: len(running) == 20, "all twenty run at once")

    async with app.worker(slots=20):
        jobs = await app.jobs.submit("wait for all", [{"number": number} for number in range(20)])
        for job_id in jobs:
            await app.jobs.result(job_id, wait=5)


async def test_an_app_may_be_both(app: App) -> None:
    """A worker block can be opened inside of a client block, as often as it is needed."""

    @app.job("greet")
    async def greet(*, name: str) -> str:
        return f"hello {name}"

    async with app:
        for name in ("Ada", "Grace"):
            job_id = await greet.submit(name=name)
            async with app.worker():
                assert await greet.result(job_id, wait=5) == f"hello {name}"
            assert (await app.jobs.status(job_id)).status == "complete"


def test_synchronous_code_uses_the_same_app(app: App) -> None:
    """`app.blocking()` opens the App for code without an event loop."""
    with app.blocking() as run:
        run(app.declare("greet"))
        job_id = run(app.jobs.submit("greet", {"name": "Ada"}))
        assert run(app.jobs.status(job_id)).payload == {"name": "Ada"}
