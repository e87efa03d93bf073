"""A run that did not come to its end, or has not yet: where it is, and its course so far."""

from __future__ import annotations

import shlex
from datetime import datetime
from pathlib import Path

from sparsify.history import History
from sparsify.onnx_report import Part
from sparsify.report import RECIPE, WORK, Point
from sparsify.run.folder import COMMAND
from sparsify.training import checkpoint
from sparsify.training.kept import read_kept

PHASES = {"teacher": "teacher", "student": "train", ".": "train"}
"""Where checkpoints lie in the folder of unfinished work -> the phase that writes them."""


class Unfinished(Part):
    """A run whose folder holds unfinished work: it was interrupted, or still goes on."""

    folder: str
    phase: str
    """What the last checkpoint is of: `teacher` or `train`; empty before the first one."""
    step: int
    """The last step that a checkpoint keeps."""
    steps: int
    """Of the phase; 0 where no checkpoint tells."""
    written: str
    """When the last checkpoint, or the folder, was written: `2026-11-21 17:40`."""
    resume: str
    """The command that continues it; empty where it was begun from Python."""
    points: list[Point]
    """What was seen at evaluations."""
    history: History


def unfinished(folder: Path) -> Unfinished | None:
    """What is known of the unfinished run in `folder`; None where there is none.

    Raises:
        Problem: a checkpoint is of another version.
    """
    work = folder / WORK
    if not (work / RECIPE).is_file():
        return None
    found = [(PHASES[name], path) for name in PHASES if (path := checkpoint.latest(work / name))]
    phase, last = max(found, key=lambda each: each[1].stat().st_mtime, default=("", None))
    kept = None if last is None else read_kept(last)
    seen = datetime.fromtimestamp((last or work / RECIPE).stat().st_mtime)
    return Unfinished(
        folder=str(folder),
        phase=phase,
        step=0 if last is None else int(last.name.rpartition("-")[2]),
        steps=kept.history.steps if kept else 0,
        written=f"{seen:%Y-%m-%d %H:%M}",
        resume=_resume(work / COMMAND),
        points=kept.points if kept else [],
        history=kept.history if kept else History(),
    )


def _resume(path: Path) -> str:
    if not path.is_file():
        return ""
    return resume_command(shlex.split(path.read_text()))


def resume_command(arguments: list[str]) -> str:
    """The command that continues the one which was interrupted; its first word may be a path."""
    again = [each for each in arguments[1:] if each not in ("--resume", "--overwrite")]
    return shlex.join(["sparsify", *again, "--resume"])
