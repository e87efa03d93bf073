"""A file gets its name once ONNX Runtime computes the same from it, in both worlds."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from sparsify.capture import capture
from sparsify.errors import CheckFailed, Problem
from sparsify.export import inspect_onnx
from sparsify.onnx_report import QUANTIZED
from sparsify.program import Program
from sparsify.recipe import Export
from sparsify.run import exporting
from sparsify.run.exporting import checked_export, export_model
from sparsify.run.quantizing import quantized_export
from sparsify.run.sizes import usual_sizes


class Layers(nn.Module):
    """A square layer whose weight lies turned, and one that is as torch wants it."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Parameter(torch.randn(64, 64) * (torch.rand(64, 64) > 0.9))
        self.second = nn.Linear(64, 64)
        with torch.no_grad():
            self.second.weight.mul_(torch.rand(64, 64) > 0.9)

    def forward(self, x: Tensor) -> Tensor:
        return self.second(torch.tanh(x @ self.first))


@pytest.fixture
def program() -> Program:
    return capture(Layers(), {"x": torch.randn(2, 12, 64)}, {"x": {0: "batch", 1: "sequence"}})


def settings(**lowering: str) -> Export:
    return Export.model_validate({"lowering": {"sparse": lowering}})


@pytest.mark.parametrize("values", ["f32", "f16", "int8"])
def test_a_file_is_held_to_the_numbers_that_are_in_it(
    program: Program, values: str, tmp_path: Path
) -> None:
    before = program.tensor("first").clone()
    made = checked_export(program, tmp_path / "model.onnx", settings(values=values), None)
    assert [weight.form.endswith(values) for weight in made.stored] == [values != "f32"] * 2
    assert made.stock_parity is not None
    assert made.stock_parity.kernels == "stock"
    assert made.parity.kernels != "stock"
    assert made.parity.rounded == made.stock_parity.rounded == (values != "f32")
    assert torch.equal(program.tensor("first"), before)
    assert made.warnings == []


def test_without_the_kernels_the_user_is_told(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "missing_library", lambda: "there is no compiler")
    made = checked_export(program, tmp_path / "model.onnx", settings(), None)
    assert made.warnings == ["there is no compiler"]
    dense = checked_export(program, tmp_path / "dense.onnx", settings(), None, dense=True)
    assert (dense.stored, dense.warnings) == ([], [])


def test_a_file_that_computes_something_else_gets_no_name(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "_with_rounded", lambda program, _made: program)
    with pytest.raises(CheckFailed, match=r"more than the .* that export\.tolerance allows"):
        checked_export(program, tmp_path / "model.onnx", settings(values="int8"), None)
    assert list(tmp_path.iterdir()) == []


def test_files_are_made_fast_for_the_sizes_at_which_they_are_timed(program: Program) -> None:
    assert usual_sizes(program, 32) == {"batch": 1, "sequence": 32}


def test_a_lowering_that_does_not_exist_is_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(Problem) as caught:
        export_model("anything", tmp_path, lowering="spars")
    assert str(caught.value) == "lowering: no lowering named 'spars'; did you mean 'sparse'?"


def test_the_program_is_exported_dense_where_it_is_asked_for(
    program: Program, tmp_path: Path
) -> None:
    checked_export(program, tmp_path / "dense.onnx", settings(), None, dense=True)
    checked_export(program, tmp_path / "model.onnx", settings(), None)
    sizes = [inspect_onnx(tmp_path / f"{name}.onnx").size_bytes for name in ("dense", "model")]
    assert sizes[1] < sizes[0]


@pytest.mark.parametrize("mode", ["dynamic", "static"])
def test_a_second_file_has_what_is_dense_in_8_bits_and_tells_how_far_off_it_is(
    program: Program, mode: str, tmp_path: Path
) -> None:
    program.samples = ({"x": torch.randn(4, 12, 64), "labels": torch.zeros(4)},)
    asked = Export.model_validate({"lowering": "dense", "quantize": mode})
    path = tmp_path / QUANTIZED
    made = quantized_export(program, path, asked, None, usual_sizes(program, 32))
    assert [weight.form for weight in made.stored] == ["dense, int8"] * 2
    assert made.size_bytes == path.stat().st_size
    assert {weight.name for weight in inspect_onnx(path).weights} == {"first", "second.weight"}
    assert 0 < made.max_abs_difference < 0.05 * made.scale
    assert list(tmp_path.iterdir()) == [path]


def test_ranges_are_not_found_where_no_data_are(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="`static` needs data to find ranges on"):
        export_model("anything", tmp_path, quantize="static")
