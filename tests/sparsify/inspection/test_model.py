from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from sparsify.analysis.cost import macs_per_weight
from sparsify.analysis.coupling import structures
from sparsify.analysis.roles import roles
from sparsify.examples import at_sizes
from sparsify.inspection.model import inspect_model, inspected, looked_at
from sparsify.models import example_inputs
from sparsify.models.source import Source
from tests.sparsify import tiny
from tests.sparsify.analysis.architectures import MAKE


@pytest.mark.parametrize("kind", ["bert", "albert", "distilbert"])
def test_what_is_seen_at_fixed_sizes_is_what_passes_see(kind: str, tmp_path: Path) -> None:
    folder = str(tiny.save(kind, tmp_path / "m"))
    found, program = inspect_model(folder), inspected(folder, free=True)[0]
    assert {each.name: each.role for each in found.weights} == roles(program)
    expected = macs_per_weight(program, sequence=found.sequence)
    assert {each.name: each.macs for each in found.weights if each.macs} | {
        "": found.attention_macs
    } == expected
    assert [
        (each.kind, each.name, each.units, each.channels, each.frozen) for each in found.removable
    ] == [
        (each.kind, each.name, len(each.units), each.units.parts[0].indices.shape[1], each.frozen)
        for each in structures(program)
    ]


def test_a_model_is_looked_at_no_longer_than_it_has_positions(tmp_path: Path) -> None:
    assert inspect_model(str(tiny.save("bert", tmp_path / "m"))).sequence == 32


@pytest.mark.parametrize("name", ["bert", "deberta-v2", "xlnet"])
def test_multiply_adds_are_those_that_torch_counts(name: str) -> None:
    """Products of positions too, which all examples of a batch share."""
    module = MAKE[f"{name} / sequence-classification"]().eval()
    source = Source(module, module.config, None, name, None)
    program, sequence = looked_at(source)
    inputs = at_sizes(*example_inputs(source), {"batch": 1, "sequence": sequence}, seed=0)
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counted, torch.no_grad():
        module(**inputs)
    expected = counted.get_total_flops() // 2
    assert sum(macs_per_weight(program, batch=1, sequence=sequence).values()) == expected


def test_zeros_are_counted(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    file = tiny.save("bert", tmp_path / "m") / "model.safetensors"
    tensors = load_file(file)
    name = "bert.encoder.layer.1.intermediate.dense.weight"
    tensors[name].flatten()[:512] = 0
    save_file(tensors, file, {"format": "pt"})
    found = {each.name: each.sparsity for each in inspect_model(str(tmp_path / "m")).weights}
    assert found[name] == pytest.approx(512 / tensors[name].numel())
    assert int(torch.count_nonzero(tensors[name])) == round((1 - found[name]) * 2048)
