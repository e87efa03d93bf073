"""A run as it happens: progress bars on a terminal, a few plain lines anywhere else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from sparsify.pipeline import Step
from sparsify.view import words
from sparsify.view.passes import passed_line
from sparsify.watch import Watch

EVERY_SECONDS = 10.0
"""Between two lines of one task in a log."""
WORTH_SAYING_SECONDS = 0.1
"""Phases that are shorter end without a word."""


@contextmanager
def watching(console: Console, *, quiet: bool) -> Iterator[Watch]:
    """What fits `console`: nothing when quiet, bars on a terminal, lines in a file or a pipe."""
    if quiet:
        yield Watch()
    elif console.is_terminal:
        with _progress(console) as progress:
            bars = Bars(console, progress)
            yield bars
            bars.end_phase()
    else:
        lines = Lines(console)
        yield lines
        lines.end_phase()


class Lines(Watch):
    """One plain line an event; of a task that advances, at most one in ten seconds."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console, self._clock = console, clock
        self._phase: tuple[str, float] | None = None
        self._totals: dict[str, int] = {}
        self._shown: dict[str, float] = {}

    def phase(self, name: str) -> None:
        if self._phase is not None and self._phase[0] == name:
            return
        self.end_phase()
        self._phase = (name, self._clock())
        self._say(f"{name} ...", "bold")

    def end_phase(self) -> None:
        """Say how long the phase took that runs, if one does."""
        if self._phase is not None:
            name, started = self._phase
            self._phase = None
            if (took := self._clock() - started) >= WORTH_SAYING_SECONDS:
                self._say(f"{name} took {words.seconds(took)}", "dim")

    def passed(self, step: Step) -> None:
        self._say(f"  {passed_line(step.told())}")

    def begin(self, task: str, total: int) -> None:
        self._totals[task] = total
        self._shown.setdefault(task, self._clock())

    def advance(self, task: str, done: int, facts: Mapping[str, float]) -> None:
        if self._clock() - self._shown[task] >= EVERY_SECONDS:
            self._shown[task] = self._clock()
            self._say(f"  {task} {done}/{self._totals[task]} {words.facts(facts)}".rstrip())

    def evaluated(self, step: int, values: Mapping[str, float]) -> None:
        self._say(f"  evaluated after step {step}: {words.facts(values)}")

    def warn(self, sentence: str) -> None:
        self._say(f"warning: {sentence}", "yellow")

    def note(self, sentence: str) -> None:
        self._say(f"  {sentence}")

    def _say(self, sentence: str, style: str = "") -> None:
        self._console.print(
            sentence, style=style, markup=False, highlight=False, soft_wrap=True, emoji=False
        )


class Bars(Lines):
    """The same lines above one progress bar for each task that runs."""

    def __init__(
        self, console: Console, progress: Progress, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(console, clock)
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def phase(self, name: str) -> None:
        for task in self._tasks.values():
            self._progress.remove_task(task)
        self._tasks.clear()
        super().phase(name)

    def begin(self, task: str, total: int) -> None:
        if task in self._tasks:
            self._progress.remove_task(self._tasks[task])
        self._totals[task] = total
        self._tasks[task] = self._progress.add_task(task, total=total, facts="")

    def advance(self, task: str, done: int, facts: Mapping[str, float]) -> None:
        # a bar that is full says nothing more; an inner task such as `evaluate` begins again
        self._progress.update(
            self._tasks[task],
            completed=done,
            facts=escape(words.facts(facts)),
            visible=done < self._totals[task],
        )


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("  {task.description}"),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.fields[facts]}", style="dim"),
        console=console,
        transient=True,
    )
