"""A run that did not come to its end: what it is, how to go on, and its course so far."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from sparsify.run.unfinished import Unfinished
from sparsify.view.history import history_view
from sparsify.view.words import metric, number

PHASES = {"teacher": "fine-tuning the teacher", "train": "training"}


def unfinished_view(run: Unfinished) -> RenderableType:
    """The course first; where the prompt comes, what it is and how to go on."""
    return Group(
        history_view(run.history),
        Text(run.folder, "bold").append(": an unfinished run, no result yet", "not bold"),
        Text(_where(run)),
        *_scores(run),
        Text("if it was interrupted, continue with: ").append(
            run.resume or "the same call of `sparsify.train`, with resume=True", "bold"
        ),
    )


def _where(run: Unfinished) -> str:
    if not run.phase:
        return f"it began at {run.written}, and has no checkpoint yet"
    done = f"{number(run.step)} of {number(run.steps)} steps"
    return f"{PHASES[run.phase]}: {done} in its last checkpoint, of {run.written}"


def _scores(run: Unfinished) -> list[Text]:
    if not run.points:
        return []
    last = run.points[-1]
    name, value = next(iter(last.values.items()))
    return [Text(f"{name} after step {number(last.step)}: {metric(value)}")]
