"""Progress while the jobs are worked off: a bar on a terminal, else a line a second."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Protocol

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import TracebackType
    from typing import Self

    from rich.console import Console, RenderableType

    from jobledger.cli.demo.crew import Strength
    from jobledger.cli.demo.figures import Figures

_LINE_SECONDS: Final = 1.0


class Live(Protocol):
    """Shows what is going on."""

    def __enter__(self) -> Self:
        """Begin."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End."""
        ...

    def say(self, text: str) -> None:
        """Show one line for good."""
        ...

    def show(self, figures: Figures, rate: float, crew: Sequence[Strength]) -> None:
        """Show how far the jobs are, in jobs ended per second, and what each worker does."""
        ...


class Lines:
    """For logs and pipes: at most a line a second."""

    def __init__(self, console: Console) -> None:
        """Show the first figures at once."""
        self._console = console
        self._next = 0.0

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End."""

    def say(self, text: str) -> None:
        """One line."""
        self._console.print(text, soft_wrap=True, highlight=False, markup=False)

    def show(self, figures: Figures, rate: float, crew: Sequence[Strength]) -> None:
        """One line, when the last is a second old."""
        if time.monotonic() >= self._next or not figures.open:
            self._next = time.monotonic() + _LINE_SECONDS
            self.say(
                f"  queued {figures.queued:>5}  scheduled {figures.scheduled:>3}  running {figures.running:>2}"
                f"  done {figures.done:>5}  dead {figures.dead:>3}  {rate:>6.0f} jobs/s"
                f"  {_ran(crew)}"
            )


class _WithWorkers(Progress):
    """A bar, and a line about the workers below it."""

    workers = Text()

    def get_renderables(self) -> Iterable[RenderableType]:
        """What is drawn."""
        yield self.make_tasks_table(self.tasks)
        yield self.workers


class Bar:
    """For terminals: two lines that are kept up to date."""

    def __init__(self, console: Console) -> None:
        """Not shown yet."""
        self._progress = _WithWorkers(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            TextColumn("queued {task.fields[queued]}  running {task.fields[running]}"),
            TextColumn("[green]done {task.fields[done]}[/]  [red]dead {task.fields[dead]}[/]"),
            TextColumn("{task.fields[rate]:.0f} jobs/s"),
            TimeElapsedColumn(),
            console=console,
        )
        self._bar = self._progress.add_task("working", total=None, queued=0, running=0, done=0, dead=0, rate=0.0)

    def __enter__(self) -> Self:
        """Draw the bar."""
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave its last state on the screen."""
        self._progress.stop()

    def say(self, text: str) -> None:
        """A line above the bar."""
        self._progress.console.print(text, soft_wrap=True, highlight=False, markup=False)

    def show(self, figures: Figures, rate: float, crew: Sequence[Strength]) -> None:
        """Move the bar."""
        self._progress.workers = Text("  ").join(_styled(one) for one in crew)
        self._progress.update(
            self._bar,
            total=figures.ended + figures.open,
            completed=figures.ended,
            queued=figures.queued + figures.scheduled,
            running=figures.running,
            done=figures.done,
            dead=figures.dead,
            rate=rate,
        )


def live_on(console: Console) -> Live:
    """What suits the console."""
    return Bar(console) if console.is_terminal else Lines(console)


def _ran(crew: Iterable[Strength]) -> str:
    """What each worker has run."""
    return ", ".join(f"{one.pid} {'was killed after' if one.killed else 'ran'} {one.ended}" for one in crew)


def _styled(one: Strength) -> Text:
    if one.killed:
        return Text(f"worker {one.pid} killed after {one.ended:,}", "red")
    return Text(f"worker {one.pid} runs {one.running}, ran {one.ended:,}")
