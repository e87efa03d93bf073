"""What a checkpoint keeps of the figures of its run, so that a resumed one goes on with them."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from sparsify.errors import Problem
from sparsify.history import HISTORY, History
from sparsify.onnx_report import Part
from sparsify.report import Point


class Kept(Part):
    """The figures of a run up to a checkpoint."""

    points: list[Point]
    terms: dict[str, float]
    """A running mean of every term of the loss."""
    history: History

    def write(self, folder: Path) -> None:
        """Write them into the folder of a checkpoint, before it is sealed."""
        (folder / HISTORY).write_text(self.model_dump_json())


def read_kept(folder: Path) -> Kept:
    """The figures in the folder of a checkpoint.

    Raises:
        Problem: there are none, or not all that this version keeps.
    """
    path = folder / HISTORY
    try:
        return Kept.model_validate_json(path.read_text())
    except (FileNotFoundError, ValidationError):
        what = "the checkpoint is of another version of sparsify, and lacks figures of its run"
        hint = "run with `--overwrite`, or resume with the version that began"
        raise Problem(what, where=str(path), hint=hint) from None
