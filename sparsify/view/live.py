"""A run as it happens: a screen on a terminal, a few plain lines anywhere else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from sparsify.history import History
from sparsify.pipeline import Step
from sparsify.view import words
from sparsify.view.passes import passed_lines
from sparsify.view.training import TrainingScreen, training_words
from sparsify.watch import Watch

EVERY_SECONDS = 10.0
"""Between two lines of one task in a log; and a hundredth of the task is done at least."""
REFRESH_SECONDS = 0.5
"""Between two drawings of the screen, which take 4 ms of the thread that trains."""
WORTH_SAYING_SECONDS = 0.1
"""Phases that are shorter end without a word."""


@contextmanager
def watching(console: Console, *, quiet: bool) -> Iterator[Watch]:
    """What fits `console`: nothing when quiet, a screen on a terminal, lines anywhere else."""
    if quiet:
        yield Watch()
    elif console.is_terminal and not console.is_dumb_terminal:
        screen = Screen(console)
        with screen.live:
            yield screen
            screen.end_phase()
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
        self._first: dict[str, tuple[float, int]] = {}
        self._shown: dict[str, tuple[float, int]] = {}
        self._history: History | None = None

    def phase(self, name: str) -> None:
        if self._phase is not None and self._phase[0] == name:
            return
        self.end_phase()
        self._phase = (name, self._clock())
        self._say(f"{name} ...", "bold")

    def end_phase(self) -> None:
        """Say how long the phase took that runs, if one does."""
        self._history = None
        if self._phase is not None:
            name, started = self._phase
            self._phase = None
            if (took := self._clock() - started) >= WORTH_SAYING_SECONDS:
                self._say(f"{name} took {words.seconds(took)}", "dim")

    def passed(self, step: Step) -> None:
        room = self._console.width - 2 if self._console.is_terminal else None
        for line in passed_lines(step.told(), room):
            self._say(f"  {line}")

    def begin(self, task: str, total: int, done: int = 0) -> None:
        self._totals[task] = total
        self._first.pop(task, None)
        self._shown.setdefault(task, (self._clock(), 0))

    def advance(self, task: str, done: int, facts: Mapping[str, float]) -> None:
        now, total = self._clock(), self._totals[task]
        # from the first step's end: what the first one prepares, no other does
        started, before = self._first.setdefault(task, (now, done))
        last, shown = self._shown[task]
        if now - last < EVERY_SECONDS or 0 <= 100 * (done - shown) < total:
            return
        self._shown[task] = now, done
        told = [f"  {task} {done}/{total}"]
        if before < done < total:
            left = (now - started) / (done - before) * (total - done)
            told.append(f"{words.seconds(left)} left")
        if self._history is not None and task == "train":
            told.append(training_words(self._history, facts))
        elif facts:
            told.append(words.facts(facts))
        self._say(", ".join(filter(None, told)))

    def follow(self, history: History) -> None:
        self._history = history

    def evaluated(self, step: int, values: Mapping[str, float]) -> None:
        name, value = next(iter(values.items()))
        self._say(f"  evaluated after step {step}: {name} {words.metric(value)}")

    def warn(self, sentence: str) -> None:
        self._say(f"warning: {sentence}", "yellow")

    def note(self, sentence: str) -> None:
        self._say(f"  {sentence}")

    def _say(self, sentence: str, style: str = "") -> None:
        # a line of a log stays whole, however long it is
        whole = not self._console.is_terminal
        self._console.print(
            sentence, style=style, markup=False, highlight=False, soft_wrap=whole, emoji=False
        )


class Screen(Lines):
    """The same events as lines, above a bar for each task and, in training, every figure."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(console, clock)
        self._progress = _progress(console)
        self._tasks: dict[str, TaskID] = {}
        self._training: TrainingScreen | None = None
        self._drawn = clock()
        # drawn from the thread that trains: another one would take its turns from the training
        self.live = Live(
            console=console, auto_refresh=False, transient=True, get_renderable=self._now
        )

    def _now(self) -> RenderableType:
        parts: list[RenderableType] = [self._progress]
        return Group(*parts, *([self._training] if self._training else []))

    def end_phase(self) -> None:
        for task in self._tasks.values():
            self._progress.remove_task(task)
        self._tasks.clear()
        self._training = None
        if self.live.is_started:
            # what is said next is printed above what was drawn last
            self.live.refresh()
        super().end_phase()

    def begin(self, task: str, total: int, done: int = 0) -> None:
        if task in self._tasks:
            self._progress.remove_task(self._tasks[task])
        self._totals[task] = total
        self._tasks[task] = self._progress.add_task(task, total=total, completed=done)

    def advance(self, task: str, done: int, facts: Mapping[str, float]) -> None:
        # a bar that is full says nothing more; an inner task such as `encode` begins again
        visible = done < self._totals[task]
        self._progress.update(self._tasks[task], completed=done, visible=visible)
        if task == "train" and self._training is not None:
            self._training.figures = facts
        if self._clock() - self._drawn >= REFRESH_SECONDS:
            self._drawn = self._clock()
            self.live.refresh()

    def follow(self, history: History) -> None:
        self._training = TrainingScreen(history)

    def evaluated(self, step: int, values: Mapping[str, float]) -> None:
        super().evaluated(step, values)
        if self._training is not None:
            self._training.is_past = True

    def warn(self, sentence: str) -> None:
        super().warn(sentence)
        if self._training is not None:
            self._training.warning, self._training.is_past = sentence, False


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("  {task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(compact=True),
        TextColumn("left", style="dim"),
        console=console,
        auto_refresh=False,
    )
