"""What `sparsify show --json` prints of models and weights: the facts, as JSON holds them."""

from __future__ import annotations

from dataclasses import dataclass

from sparsify.inspection.facts import ModelFacts, Weight


@dataclass(frozen=True, kw_only=True)
class ShownWeight(Weight):
    """One parameter."""

    parameters: int
    """How many numbers it has."""


@dataclass(frozen=True, kw_only=True)
class ShownModel(ModelFacts):
    """One model."""

    weights: tuple[ShownWeight, ...]
    graph: str = ""
    """With `--graph`: the program as text."""


@dataclass(frozen=True)
class Histogram:
    """Of the numbers that are not zero: how many lie between two edges each."""

    counts: list[int]
    edges: list[float]


@dataclass(frozen=True)
class ZerosOverTime:
    """Steps of training, and the share of zeros after each."""

    step: list[float]
    zeros: list[float]


@dataclass(frozen=True, kw_only=True)
class ShownDetail(ShownWeight):
    """One weight in full."""

    pattern: str
    mean: float
    standard_deviation: float
    histogram: Histogram
    row_zeros: list[float]
    column_zeros: list[float]
    empty_blocks: dict[str, float]
    """Size of blocks -> the share of them that is all zero."""
    stored_bytes: dict[str, int]
    """Form -> bytes."""
    history: ZerosOverTime
