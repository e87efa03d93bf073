"""The ONNX file: names, axes, zeros, tied weights, and nothing half-written."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from sparsify.capture import capture
from sparsify.errors import Problem
from sparsify.export import emit, inspect_onnx, parity, require, simplify
from sparsify.export.outputs import output_names
from sparsify.kinds import Kind, lowering
from sparsify.program import Program


def test_every_architecture_computes_the_same_in_onnx_runtime(emitted: Any) -> None:
    found = require(parity(emitted.program, emitted.path, tolerance=1e-5))
    assert found.shapes == [[3, 7], [1, 5], [5, 17]]


def test_inputs_outputs_and_axes_keep_their_names(emitted: Any) -> None:
    summary = inspect_onnx(emitted.path)
    assert summary.inputs == dict.fromkeys(emitted.program.inputs, ("batch", "sequence"))
    assert list(summary.outputs) == ["logits"]
    assert summary.outputs["logits"][0] == "batch"
    assert summary.opset == 20


def test_every_weight_keeps_name_shape_and_zeros(emitted: Any) -> None:
    stored = {weight.name: weight for weight in inspect_onnx(emitted.path).weights}
    weights = {n: p for n, p in emitted.model.named_parameters() if p.ndim > 1}
    assert {name: tuple(p.shape) for name, p in weights.items()} == {
        name: weight.shape for name, weight in stored.items()
    }
    pruned = [name for name, p in weights.items() if p.shape == (64, 32)]
    assert pruned
    assert all(stored[name].sparsity == 0.25 for name in pruned)


def test_a_tied_weight_is_stored_once(words: Program, tmp_path: Path) -> None:
    emit(words, tmp_path / "model.onnx", opset=20)
    names = [t.name for t in onnx.load(tmp_path / "model.onnx").graph.initializer]
    assert "embedding.weight" in names
    assert "head.weight" not in names


def test_the_file_says_nothing_about_the_machine(emitted: Any) -> None:
    assert b"site-packages" not in emitted.path.read_bytes()


def test_two_weights_with_the_same_zeros_stay_two(tmp_path: Path) -> None:
    class Twins(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.left, self.right = nn.Linear(8, 8), nn.Linear(8, 8)

        def forward(self, values: torch.Tensor) -> torch.Tensor:
            return self.left(values) + self.right(values).tanh()

    model = Twins()
    with torch.no_grad():
        model.left.weight.zero_()
        model.right.weight.zero_()
    program = capture(model, {"values": torch.randn(2, 3, 8)}, {"values": {0: "batch"}})
    emit(program, tmp_path / "twins", opset=20)
    names = [weight.name for weight in inspect_onnx(tmp_path / "twins").weights]
    assert names == ["left.weight", "right.weight"]


def test_a_program_in_train_mode_is_written_in_eval_mode_and_stays_as_it_was(
    words: Program, tmp_path: Path
) -> None:
    words.module.train()
    emit(words, tmp_path / "model.onnx", opset=20)
    assert words.module.training
    words.module.eval()
    require(parity(words, tmp_path / "model.onnx", tolerance=1e-5))


def test_the_exporter_is_quiet_and_logging_is_as_before(
    words: Program, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    level = logging.getLogger("torch.onnx").level
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        emit(words, tmp_path / "model.onnx", opset=20)
    assert capfd.readouterr() == ("", "")
    assert logging.getLogger("torch.onnx").level == level


def test_a_failure_leaves_the_old_file_and_nothing_else(
    words: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: str, **options: bool) -> None:
        raise onnx.checker.ValidationError("no good")

    (tmp_path / "model.onnx").write_text("old")
    monkeypatch.setattr(onnx.checker, "check_model", fail)
    with pytest.raises(onnx.checker.ValidationError):
        emit(words, tmp_path / "model.onnx", opset=20)
    assert [p.name for p in tmp_path.iterdir()] == ["model.onnx"]
    assert (tmp_path / "model.onnx").read_text() == "old"


def test_large_weights_lie_beside_the_file_and_survive_its_renaming(
    words: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(emit.__globals__, "EXTERNAL_ABOVE_BYTES", 1000)
    emit(words, tmp_path / "model.onnx.part", opset=20)
    (tmp_path / "model.onnx.part").rename(tmp_path / "model.onnx")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model.onnx", "model.onnx.data"]
    require(parity(words, tmp_path / "model.onnx", tolerance=1e-5))
    summary = inspect_onnx(tmp_path / "model.onnx")
    assert summary.size_bytes > sum(weight.size_bytes for weight in summary.weights)


def test_a_folder_that_is_missing_is_named(words: Program, tmp_path: Path) -> None:
    with pytest.raises(Problem) as caught:
        emit(words, tmp_path / "nowhere" / "model.onnx", opset=20)
    assert str(caught.value) == f"{tmp_path / 'nowhere'}: no such folder; make it first"


def test_a_lowering_decides_what_is_stored(words: Program, tmp_path: Path) -> None:
    seen = []
    kind = Kind("lowering", "a test's own", ("array",))

    @kind
    def nothing(array: np.ndarray) -> np.ndarray:
        seen.append(array.shape)
        return np.zeros_like(array)

    emit(words, tmp_path / "model.onnx", opset=20, lowering=kind.choose("nothing"))
    assert (99, 32) in seen
    assert inspect_onnx(tmp_path / "model.onnx").sparsity == 1.0


def test_the_dense_lowering_changes_nothing() -> None:
    array = np.arange(6.0).reshape(2, 3)
    assert lowering.choose("dense")(array=array) is array


@pytest.mark.parametrize(
    ("value", "names"),
    [
        (torch.zeros(1), ["logits"]),
        ({"logits": torch.zeros(1)}, ["logits"]),
        ((torch.zeros(1), torch.zeros(1)), ["output_0", "output_1"]),
        (
            {"logits": torch.zeros(1), "states": (torch.zeros(1), torch.zeros(1)), "loss": None},
            ["logits", "states_0", "states_1"],
        ),
    ],
)
def test_outputs_are_named_after_fields(value: object, names: list[str]) -> None:
    assert output_names(value) == names


def test_a_residual_is_a_sum(emitted: Any) -> None:
    nodes = inspect_onnx(emitted.path).nodes
    assert nodes["Sum"] >= 2
    assert simplify.LARGEST_CONSTANT < 32
