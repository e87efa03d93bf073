"""One model of the zoo, and what the steps leave behind."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn

from sparsify.examples import at_sizes
from sparsify.export.parity import usual_sizes
from sparsify.models import Source, sequence_limit
from sparsify.program import Program


class Specimen:
    """A model on its way: steps leave here what later ones start from."""

    program: Program
    masked: Program
    """Half of the heads and neurons are masked."""
    shrunk: Program
    """Half of the heads and neurons are gone."""

    def __init__(self, name: str, model: nn.Module, folder: Path) -> None:
        self.source = Source(model, getattr(model, "config", None), None, name, None)
        self.file = folder / "model.onnx"

    @property
    def model(self) -> nn.Module:
        return self.source.module

    @property
    def parameters(self) -> list[nn.Parameter]:
        return list(self.model.parameters())

    @property
    def longest(self) -> int | None:
        """The most tokens that the model takes."""
        return sequence_limit(self.source)

    def inputs(self) -> list[dict[str, Tensor]]:
        """Inputs of sizes at which nothing was captured."""
        given, dynamic = self.program.inputs, self.program.dynamic
        return [
            at_sizes(given, dynamic, sizes, seed=number)
            for number, sizes in enumerate(usual_sizes(self.program, self.longest))
        ]
