"""`report.json`: everything that one run found out, as models with a JSON Schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sparsify.atomic import write_text
from sparsify.errors import Problem, first_mistake
from sparsify.onnx_report import (
    Exported,
    Forecast,
    Latency,
    Parity,
    Part,
    Quantized,
    Speed,
    StoredWeight,
)

__all__ = [
    "Cost", "Exported", "Forecast", "Latency", "Parity", "Part", "PassReport", "Phase",
    "PlanReport", "Point", "Quantized", "RunReport", "Scores", "SelfTest", "Speed", "StoredWeight",
]  # fmt: skip

REPORT, RECIPE, PAGE = "report.json", "recipe.yaml", "report.html"
"""In the folder of a run: its report, its resolved recipe, and the page of `sparsify report`."""
WORK = "work"
"""There, too: checkpoints, banks and the recipe, until the run is complete."""


LOWER_IS_BETTER = ("perplexity",)
"""Metrics that fall as a model gets better."""


class Scores(Part):
    """The task's metrics of one model in one runtime, each in its own unit (accuracy: 0 to 1)."""

    main: str
    """The metric that decides: `accuracy`, `f1`, `matthews`, `pearson` or `perplexity`."""
    values: dict[str, float]

    def kept(self, dense: Scores) -> float:
        """The share of the dense model's main metric; of perplexity, where less is better, its
        inverse.
        """
        before, after = dense.values[self.main], self.values[self.main]
        return before / after if self.main in LOWER_IS_BETTER else after / before


class Phase(Part):
    """One phase of the run and what it cost."""

    name: str
    seconds: float
    peak_memory_mb: float
    """The largest resident memory of the process until the phase's end."""


class PassReport(Part):
    """What one pass did."""

    tag: str
    options: dict[str, Any]
    did: dict[str, str]
    left: dict[str, str]
    facts: dict[str, float]
    seconds: float
    nodes: tuple[int, int]
    parameters: tuple[int, int]


class SelfTest(Part):
    """The comparison of the captured program with the model itself, at shapes not captured."""

    seconds: float
    shapes: list[list[int]]
    max_output_difference: float
    max_gradient_difference: float


class Cost(Part):
    """One forward pass of a program."""

    batch: int
    sequence: int
    parameters: int
    zeros: int
    """Zeros among the weights of products, pruned by a mask or folded."""
    dense_macs: int
    """Multiply-accumulates of all weights, attention included."""
    macs: int
    """Those that a runtime must do which skips zeros."""
    size_bytes: int
    """Of the parameters, stored dense."""


class Point(Part):
    """What was seen at one evaluation while training."""

    step: int
    values: dict[str, float]


class RunReport(Part):
    """One run. Sizes in bytes, times in the unit that the name says."""

    recipe: str
    model: str
    seed: int
    command: str = ""
    """The command line that made it; empty when it was made from Python."""
    versions: dict[str, str]
    machine: dict[str, str]
    pruned_sparsity: float | None = None
    """Zeros among the weights that were pruned and are still there, 0 to 1."""
    weights: dict[str, float] = {}
    """The sparsity of every pruned weight by name."""
    dense: Scores | None = None
    """The dense model (the fine-tuned teacher) in PyTorch."""
    dense_onnx: Scores | None = None
    sparse: Scores | None = None
    sparse_onnx: Scores | None = None
    dense_cost: Cost | None = None
    sparse_cost: Cost | None = None
    """Of the program that was exported: smaller where structure was removed."""
    stored: list[StoredWeight] = []
    """Every weight of the sparse model's file."""
    parity: Parity | None = None
    stock_parity: Parity | None = None
    """Without the sparse kernels, where the file has weights for them."""
    quantized: Quantized | None = None
    quantized_onnx: Scores | None = None
    bytes_dense: int | None = None
    bytes_sparse: int | None = None
    latency: list[Latency] = []
    self_test: SelfTest | None = None
    phases: list[Phase] = []
    passes: list[PassReport] = []
    history: list[Point] = []
    notes: list[str] = []
    """What was inferred or new, in sentences: text columns, a classifier without weights."""
    warnings: list[str] = []
    """What the user must know, in sentences: a collapse."""

    def save(self, path: Path) -> None:
        """Write to `path`, complete or not at all."""
        write_text(path, json.dumps(self.model_dump(mode="json"), indent=2) + "\n")

    @classmethod
    def load(cls, path: Path) -> RunReport:
        """Read a report.

        Raises:
            Problem: `path` is missing or is no report.
        """
        try:
            return cls.model_validate_json(path.read_text())
        except FileNotFoundError:
            raise Problem("no such file", where=str(path)) from None
        except ValidationError as error:
            what = f"no report of a run ({first_mistake(error)})"
            raise Problem(what, where=str(path)) from None


class PlanReport(Part):
    """What a recipe would do, without training."""

    recipe: str
    model: str
    before: Cost
    after: Cost
    """With every gradual pass at its final sparsity, and after the passes of the export."""
    dense_file: Forecast
    sparse_file: Forecast
    passes: list[PassReport]
    """Those of the export come last."""
    training: list[str]
    """What training would owe the passes, in sentences."""
    threads: int
    """Of one operator, for which latencies are predicted."""
    no_latency: str = ""
    """Why no latency is predicted."""
