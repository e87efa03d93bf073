"""Sparse files of other architectures: decoders, an encoder with a decoder, and vision."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from benchmarks.zoo.configs import ROWS
from benchmarks.zoo.specimen import Specimen
from sparsify.capture import capture
from sparsify.export import emit, inspect_onnx, parity, require
from sparsify.kinds import lowering
from sparsify.models import example_inputs
from sparsify.program import Program

TOLERANCE = 1e-5
SHARED = {"gpt2 / causal-lm": "transformer.wte.weight", "t5 / seq2seq-lm": "shared.weight"}
"""The weight that is both embedding and output layer."""
SPARSE = {
    "llama / causal-lm": 15,
    "gpt2 / causal-lm": 8,
    "t5 / seq2seq-lm": 32,
    "vit / image-classification": 13,
}
"""How many weights linear layers alone read."""


def pruned(name: str, folder: Path) -> Program:
    """The model of the zoo with nine of ten weights zero."""
    row = next(row for row in ROWS if row.name == name)
    it = Specimen(name, row.make(), folder)
    program = capture(it.model, *example_inputs(it.source))
    with torch.no_grad():
        for parameter in program.module.parameters():
            if parameter.ndim > 1:
                parameter.mul_(torch.rand(parameter.shape) > 0.9)
    return program


@pytest.mark.parametrize("name", SPARSE)
def test_other_architectures_run_sparse_with_the_kernels_and_without(
    name: str, tmp_path: Path
) -> None:
    program, path = pruned(name, tmp_path), tmp_path / "model.onnx"
    made = [
        each.told
        for each in emit(program, path, opset=20, lowering=lowering.choose("sparse", least=0.0))
    ]
    assert sum(weight.form != "dense" for weight in made) == SPARSE[name]
    for sparse in (True, False):
        require(parity(program, path, tolerance=TOLERANCE, sparse=sparse))
    names = [weight.name for weight in inspect_onnx(path).weights]
    assert len(names) == len(set(names)) == len(made)
    if name in SHARED:
        (tied,) = (weight for weight in made if weight.name == SHARED[name])
        assert (tied.form, tied.reason) == ("dense", "Gather reads it, too")
