"""The forms of a classifier that are held against each other, and how each is made."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.methods.budgets import Budget
from benchmarks.methods.contenders import METHODS
from benchmarks.methods.grid import Cell
from benchmarks.methods.tasks import Task
from sparsify.onnx_report import QUANTIZED
from sparsify.run.full import DENSE, SPARSE


@dataclass(frozen=True)
class Form:
    """A trained model, and what it is stored as."""

    name: str
    says: str
    method: str
    """That trains it; of the dense forms, one whose teacher it is."""
    sparsity: float
    file: str = SPARSE
    """Which file of the export it is."""
    activations: str = "f32"
    """What sparse layers multiply; see the lowering `auto`."""
    quantize: str | None = None
    dense: bool = False
    """Whether it is the teacher of the run."""

    def cell(self, task: Task, budget: Budget, seed: int) -> Cell:
        """The run that trains it."""
        return Cell(task, budget, METHODS[self.method], self.sparsity, seed)


def _unstructured(sparsity: float) -> Form:
    name = f"unstructured {sparsity:.0%}"
    return Form(name, "magnitude and distillation", "magnitude-kd", sparsity)


def _contrastive(sparsity: float) -> Form:
    says = "contrastive pruning: movement, CAP"
    return Form(f"unstructured {sparsity:.0%}, CAP", says, "cap-movement", sparsity)


def _blocks(sparsity: float) -> Form:
    return Form(f"4x1 blocks {sparsity:.0%}", "four outputs together", "block-4x1-kd", sparsity)


def _structured(sparsity: float, quantize: str | None) -> Form:
    name = f"structured {sparsity:.0%}" + (" + int8" if quantize else "")
    says = "heads and neurons cut out" + (", the rest in 8 bits" if quantize else "")
    file = QUANTIZED if quantize else SPARSE
    return Form(name, says, "structured-kd", sparsity, file, quantize=quantize)


FORMS = (
    Form("dense", "the fine-tuned model", "magnitude-kd", 0.9, DENSE, dense=True),
    Form("dense int8", "the same in 8 bits, dynamic", "magnitude-kd", 0.9, DENSE,
         quantize="dynamic", dense=True),
    *(_unstructured(sparsity) for sparsity in (0.9, 0.95, 0.97)),
    *(_contrastive(sparsity) for sparsity in (0.9, 0.97)),
    *(_blocks(sparsity) for sparsity in (0.8, 0.9)),
    Form("1x4 blocks 90% int8", "four inputs together, 8-bit products", "block-1x4-kd", 0.9,
         activations="int8"),
    *(_structured(sparsity, None) for sparsity in (0.5, 0.75)),
    *(_structured(sparsity, "dynamic") for sparsity in (0.5, 0.75)),
)  # fmt: skip
