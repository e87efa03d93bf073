"""A program comes back from its folder as it was: tensors, outputs, masks, sharing, training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import AutoModelForSequenceClassification

import sparsify
from passes.fold_masks import FoldMasks
from passes.insert_masks import InsertMasks
from passes.prune import Prune
from sparsify.models.source import Source
from sparsify.pipeline import apply
from sparsify.program import Program
from sparsify.saving.tensors import named, shared
from sparsify.surgery import narrow
from tests.sparsify import tiny
from tests.sparsify.programs import Tied, captured, pair

UP = "bert.encoder.layer.{}.intermediate.dense.{}"
DOWN = "bert.encoder.layer.{}.output.dense.weight"
HALF = Prune.model_validate({"criterion": "magnitude", "sparsity": 0.5})


def bert() -> tuple[Program, Source]:
    module, start = pair("bert")
    return start.clone(), Source(module, module.config, tiny.tokenizer(), "tiny", None)


def shrunk() -> tuple[Program, Source]:
    """A BERT with 40 neurons in its first layer and 24 in its second."""
    program, source = bert()
    for layer, kept in enumerate([range(40), range(8, 56, 2)]):
        narrow(
            program,
            {
                UP.format(layer, "weight"): {0: list(kept)},
                UP.format(layer, "bias"): {0: list(kept)},
                DOWN.format(layer): {1: list(kept)},
            },
        )
    return program, source


def same(a: Program, b: Program) -> bool:
    found, others = named(a), named(b)
    return found.keys() == others.keys() and all(
        torch.equal(tensor, others[name]) for name, tensor in found.items()
    )


def equal_outputs(a: Program, b: Program) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a.outputs(), b.outputs(), strict=True))


def test_a_shrunk_program_comes_back_bit_for_bit_and_can_be_trained(tmp_path: Path) -> None:
    program, source = shrunk()
    sparsify.save(program, tmp_path, source)
    again = sparsify.load(tmp_path)
    assert same(program, again)
    assert equal_outputs(program, again)
    assert again.edits == program.edits
    optimizer = torch.optim.SGD(again.module.parameters(), lr=0.1)
    again.module.train()
    before = again.tensor(UP.format(0, "weight")).detach().clone()
    outputs = again.module(**again.inputs)
    (outputs["logits"] if isinstance(outputs, dict) else outputs[0]).pow(2).sum().backward()
    optimizer.step()
    assert not torch.equal(again.tensor(UP.format(0, "weight")), before)


def test_what_was_loaded_is_saved_as_it_was(tmp_path: Path) -> None:
    program, source = shrunk()
    sparsify.save(program, tmp_path / "a", source)
    sparsify.save(sparsify.load(tmp_path / "a"), tmp_path / "b", source)
    for name in ("model.safetensors", "inputs.safetensors", "sparsify.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_the_folder_has_what_transformers_knows_and_no_leftovers(tmp_path: Path) -> None:
    sparsify.save(*swapped(shrunk(), tmp_path))
    names = {path.name for path in tmp_path.iterdir()}
    assert {"config.json", "tokenizer.json", "model.safetensors", "sparsify.json"} <= names
    assert not [name for name in names if name.endswith(".part")]
    assert json.loads((tmp_path / "config.json").read_text())["architectures"] == [
        "BertForSequenceClassification"
    ]


def swapped(made: tuple[Program, Source], folder: Path) -> tuple[Program, Path, Source]:
    return made[0], folder, made[1]


def test_transformers_refuses_the_weights_of_a_changed_structure(tmp_path: Path) -> None:
    sparsify.save(*swapped(shrunk(), tmp_path))
    with pytest.raises(RuntimeError, match="ignore_mismatched_sizes"):
        AutoModelForSequenceClassification.from_pretrained(tmp_path)


def test_it_comes_back_as_the_model_of_transformers_too(tmp_path: Path) -> None:
    program, source = shrunk()
    sparsify.save(program, tmp_path, source)
    module = sparsify.load(tmp_path, as_model=True)
    assert type(module) is type(source.module)
    up = module.get_submodule("bert.encoder.layer.0.intermediate.dense")
    assert isinstance(up, nn.Linear)
    assert (up.in_features, up.out_features) == (32, 40)
    with torch.no_grad():
        logits = module(**program.inputs).logits
    torch.testing.assert_close(logits, program.outputs()[0], rtol=1e-5, atol=1e-6)


def test_masks_come_back_with_the_zeros_they_had(tmp_path: Path) -> None:
    program, source = shrunk()
    apply(
        [InsertMasks(), Prune.model_validate({"criterion": "magnitude", "sparsity": 0.5})], program
    )
    sparsify.save(program, tmp_path, source)
    again = sparsify.load(tmp_path)
    assert equal_outputs(program, again)
    assert again.masks().keys() == program.masks().keys()
    for name, mask in program.masks().items():
        assert torch.equal(again.masks()[name], mask)
        assert not again.tensor(name)[mask == 0].any()


def test_an_unstructured_result_is_a_plain_checkpoint(tmp_path: Path) -> None:
    program, source = bert()
    apply([InsertMasks(), HALF, FoldMasks()], program)
    sparsify.save(program, tmp_path, source)
    assert not (tmp_path / "sparsify.json").exists()
    module = AutoModelForSequenceClassification.from_pretrained(tmp_path).eval()
    with torch.no_grad():
        assert torch.equal(module(**program.inputs).logits, program.outputs()[0])
    assert equal_outputs(sparsify.load(tmp_path), captured(module))


class Doubled(nn.Module):
    """Two names for one weight, and two for one buffer."""

    table: Tensor
    again: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(6, 4)
        self.out = nn.Linear(4, 6, bias=False)
        self.out.weight = self.words.weight
        self.register_buffer("table", torch.rand(4))
        self.register_buffer("again", self.table, persistent=False)

    def forward(self, input_ids: Tensor) -> Tensor:
        """f32[batch, sequence, 6] from i64[batch, sequence]."""
        logits: Tensor = self.out(self.words(input_ids) * self.table + self.again)
        return logits


def doubled() -> Program:
    from sparsify.capture import capture

    ids = torch.tensor([[0, 1, 2], [3, 4, 0]])
    return capture(Doubled(), {"input_ids": ids}, {"input_ids": {0: "batch", 1: "sequence"}})


@pytest.mark.parametrize("make", [lambda: captured(Tied()), doubled])
def test_a_plain_module_comes_back_with_what_it_shares(tmp_path: Path, make: Any) -> None:
    program = make()
    apply([InsertMasks(targets=["*"])], program)
    sparsify.save(program, tmp_path)
    again = sparsify.load(tmp_path, Tied() if "inner.weight" in named(program) else Doubled())
    assert same(program, again)
    assert equal_outputs(program, again)
    assert shared(named(again)) == shared(named(program)) == shared(named(program.clone()))
    kept = load_file(tmp_path / "model.safetensors")
    assert (
        sum(tensor.shape == (6, 4) and tensor.is_floating_point() for tensor in kept.values()) == 1
    )


def test_files_appear_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sparsify.saving import writing

    program, source = shrunk()
    sparsify.save(program, tmp_path, source)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def fails(tensors: object, draft: Path, **_options: object) -> None:
        draft.write_bytes(b"half")
        raise OSError("the disk is full")

    monkeypatch.setattr(writing, "save_file", fails)
    with pytest.raises(OSError, match="full"):
        sparsify.save(program, tmp_path, source)
    assert before.items() <= {path.name: path.read_bytes() for path in tmp_path.iterdir()}.items()
