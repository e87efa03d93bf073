"""How training goes, at a glance: every figure with its course so far, beside its plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from sparsify.history import History, Series
from sparsify.view.marks import Sparkline
from sparsify.view.words import metric, number, percent

ZEROS, PLANNED, CHURN = "sparsity_fraction", "planned_sparsity_fraction", "mask_churn_fraction"
MOST_LOSSES = 6
"""Rows for terms of the loss: the rest of the screen must fit 24 lines."""
COURSES = (18, 48)
"""Columns of a course, at least and at most."""
BESIDE = 62
"""Columns for what stands beside it."""


@dataclass
class TrainingScreen:
    """One table of what training is at; `history` is read anew whenever it is drawn."""

    history: History
    figures: Mapping[str, float] = field(default_factory=dict)
    """Of the newest step, which may be newer than the history's last."""
    warning: str = ""
    """Stays until training ends."""
    is_past: bool = False
    """Whether the model was evaluated since, without that warning."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if self.warning:
            said = "earlier warning" if self.is_past else "warning"
            yield Text(f"{said}: {self.warning}", "yellow" if self.is_past else "bold yellow")
        course = min(max(COURSES[0], options.max_width - BESIDE), COURSES[1])
        made = Table.grid(padding=(0, 2, 0, 0))
        made.add_column(no_wrap=True)
        made.add_column(justify="right", no_wrap=True)
        made.add_column(no_wrap=True)
        made.add_column()
        for label, value, line, note in self.rows(course):
            beside = Text(note, "dim", no_wrap=True, overflow="crop")
            made.add_row(f"  {label}", Text(value, "bold"), line, beside)
        yield made

    def rows(self, course: int) -> list[tuple[str, str, Sparkline, str]]:
        """Label, newest value, course and what to hold it against."""
        return [*self._losses(course), *self._masks(course), *self._rest(course)]

    def _losses(self, course: int) -> list[tuple[str, str, Sparkline, str]]:
        training = self.history.training
        names = (name for name in self.figures if name.endswith("_loss"))
        return [
            (
                f"{name.removesuffix('_loss')} loss",
                f"{self.figures[name]:.4f}",
                _course(training, name, course, "cyan"),
                "",
            )
            for name in islice(names, MOST_LOSSES)
        ]

    def _masks(self, course: int) -> list[tuple[str, str, Sparkline, str]]:
        masks, planned = self.history.masks, self.history.training.last(PLANNED)
        if planned is None and not masks.step:
            return []
        zeros = masks.last(ZEROS) or 0.0
        note = "" if planned is None else f"planned {percent(planned)}"
        rows = [("zeros", percent(zeros), _course(masks, ZEROS, course, "magenta"), note)]
        if (churn := masks.last(CHURN)) is not None:
            note = f"of mask entries, step {masks.step[-1]}"
            shown = (f"{percent(churn, 2)}", _course(masks, CHURN, course, "magenta"), note)
            rows.append(("mask churn", *shown))
        return rows

    def _rest(self, course: int) -> list[tuple[str, str, Sparkline, str]]:
        rows = []
        evaluations, training = self.history.evaluations, self.history.training
        for name in islice(evaluations.values, 1):
            steps, values = evaluations.curve(name)
            best = int(values.argmax())
            note = f"step {steps[-1]:.0f}; best {metric(values[best])}, step {steps[best]:.0f}"
            line = _course(evaluations, name, course, "green")
            rows.append((name, metric(values[-1]), line, note))
        if (rate := training.last("learning_rate")) is not None:
            line = _course(training, "learning_rate", course, "cyan")
            rows.append(("learning rate", number(float(f"{rate:.3g}")), line, ""))
        return rows


def training_words(history: History, figures: Mapping[str, float]) -> str:
    """The same in one line of a log."""
    told = {label: value for label, value, *_ in TrainingScreen(history, figures).rows(1)}
    if (planned := history.training.last(PLANNED)) is not None:
        told["zeros"] += f" of {percent(planned)}"
    return ", ".join(f"{label} {value}" for label, value in told.items())


def _course(series: Series, name: str, width: int, style: str) -> Sparkline:
    return Sparkline([float(value) for value in series.curve(name)[1]], width, style)
