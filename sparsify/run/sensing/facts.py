"""What `sparsify sense` finds, for views and for `--json`."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Facts(BaseModel):
    """Unknown keys are refused, docstrings describe the keys."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class Point(Facts):
    """The model with one weight, or one structure, as sparse as this and the rest dense."""

    sparsity: float
    divergence: float
    """Mean over rows of KL(dense || sparse) of the outputs; of numbers the mean squared change."""
    loss: float | None
    """The task's; None: the rows have no labels."""
    accuracy: float | None
    """Of classes; None: there are none."""


class Curve(Facts):
    """One weight, or the units of one structure."""

    name: str
    role: str
    """Its role, or the kind of the structure."""
    weights: int
    """How many weights there are to prune."""
    points: list[Point]
    """At every sparsity that was tried, ascending."""
    budget: float | None = None
    """The sparsity that it was given."""


class Group(Facts):
    """The mean over all that have one role."""

    role: str
    divergences: list[float]
    """At each of `sparsities`."""
    budget: float | None = None


class Sensitivity(Facts):
    """All curves of a model."""

    model: str
    criterion: str
    pattern: str
    rows: int
    """How many rows of the data were used."""
    sparsities: list[float]
    loss: float | None
    """Of the dense model."""
    accuracy: float | None
    curves: list[Curve]
    groups: list[Group]
    sparsity: float | None = None
    """What the budgets are worth together; None: none were asked for."""
    recipe: str = ""
    """Where the recipe with the budgets was written."""
    seconds: float
