"""`history.json`: how the figures of a run and the zeros of each weight moved in training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from sparsify.atomic import write_text
from sparsify.errors import Problem, first_mistake
from sparsify.onnx_report import Part
from sparsify.report import Point

HISTORY = "history.json"
"""The file's name in the folder of a run."""

Curve = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Steps f64[N], ascending, and the figure at each of them f64[N]."""


class Series(Part):
    """Figures by name, each with one value a step; None where a figure was not known yet."""

    step: list[int] = []
    values: dict[str, list[float | None]] = {}

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Note `values` at `step`, which is later than every step before."""
        for name in values:
            self.values.setdefault(name, [None] * len(self.step))
        self.step.append(step)
        for name, known in self.values.items():
            known.append(values.get(name))

    def curve(self, name: str) -> Curve:
        """The course of one figure, at the steps where it was known; empty where it never was."""
        known = [
            (step, value)
            for step, value in zip(self.step, self.values.get(name, []), strict=False)
            if value is not None
        ]
        steps, values = np.array(known, np.float64).reshape(-1, 2).T
        return steps, values

    def last(self, name: str) -> float | None:
        """The newest value of one figure."""
        values = self.curve(name)[1]
        return float(values[-1]) if values.size else None


class History(Part):
    """One training run, at no more than some hundred steps however long it is."""

    steps: int = 0
    """How many optimizer steps the whole run takes."""
    training: Series = Series()
    """`<term>_loss`, a running mean; `learning_rate`; and where masks follow a schedule,
    `planned_sparsity_fraction`."""
    masks: Series = Series()
    """At the start and after updates of masks: `sparsity_fraction`, of all weights that training
    prunes, and `mask_churn_fraction`, the share of mask entries that this update flipped."""
    weights: Series = Series()
    """Weight name -> the share of zeros in its mask, after the same updates."""
    evaluations: Series = Series()
    """The task's metrics on the validation set."""

    @classmethod
    def of_points(cls, points: Sequence[Point]) -> History:
        """What the points of a report tell of its training, where no more was kept."""
        history = cls(steps=points[-1].step if points else 0)
        for point in points:
            losses = {name: v for name, v in point.values.items() if name.endswith("_loss")}
            if losses:
                history.training.add(point.step, losses)
            if (share := point.values.get("sparsity_fraction")) is not None:
                history.masks.add(point.step, {"sparsity_fraction": share})
            name, value = next(iter(point.values.items()))
            history.evaluations.add(point.step, {name: value})
        return history

    def save(self, path: Path) -> None:
        """Write to `path`, complete or not at all."""
        write_text(path, self.model_dump_json() + "\n")

    @classmethod
    def load(cls, folder: Path, points: Sequence[Point] = ()) -> History:
        """Read the history in the folder of a run; what `points` tell, where the run kept none.

        Raises:
            Problem: the file there is no history.
        """
        path = folder / HISTORY
        try:
            return cls.model_validate_json(path.read_text())
        except FileNotFoundError:
            return cls.of_points(points)
        except ValidationError as error:
            what = f"no history of a run ({first_mistake(error)})"
            raise Problem(what, where=str(path)) from None


def weight_history(folder: Path, name: str) -> Curve:
    """The sparsity of the weight `name`, 0 to 1, over the training of the run in `folder`.

    Returns:
        The steps after which its mask was looked at, f64[N], and the share of zeros in it then,
        f64[N]; both empty where the run did not train, did not prune this weight while it trained,
        or was made before histories were kept.

    Raises:
        Problem: the folder's `history.json` is no history.
    """
    return History.load(folder).weights.curve(name)
