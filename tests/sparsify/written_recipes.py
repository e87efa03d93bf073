"""A recipe for tests to write, change and read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sparsify.schema import read

Write = Callable[..., Any]
BASE = """\
# Prunes.
vars: {sparsity: 0.5, targets: [body, head], folder: models/a}
model: {path: "${folder}", tokenizer: b}
seed: 3
passes:
  - clean
  - insert-masks: {targets: "${targets}"}
  - prune: {criterion: magnitude, sparsity: "${sparsity}"}
train: {steps: 10, learning_rate: 5e-5}
"""


def dump(name: str, *overrides: str) -> dict[str, Any]:
    return read(name, overrides).recipe.model_dump(exclude_unset=True)
