"""What differs between two things of a kind, as facts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper
from safetensors.torch import load_file, save_file
from transformers import AutoModel

from sparsify.compare import Asked, compare
from sparsify.compare.programs import compare_texts
from sparsify.compare.subjects import kind_of
from sparsify.errors import Problem
from sparsify.report import RunReport
from tests.sparsify import tiny

QUERY = "bert.encoder.layer.0.attention.self.query.weight"
KEY = "bert.encoder.layer.0.attention.self.key.weight"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models, of which the new one has a weight with zeros and one that moved."""
    made = tmp_path_factory.mktemp("compare")
    for name in ("old", "new"):
        tiny.save("bert", made / name)
    path = made / "new" / "model.safetensors"
    tensors = load_file(path)
    tensors[QUERY][:8] = 0
    tensors[KEY][0, :4] += 0.5
    save_file(tensors, path, metadata={"format": "pt"})
    return made


def test_weights_differ_by_zeros_and_by_values(folder: Path) -> None:
    found = compare(str(folder / "old"), str(folder / "new"))
    (section,) = found.sections
    zeroed, moved = section.changes
    assert (found.kind, zeroed.name, moved.name) == ("models", QUERY, KEY)
    assert (zeroed.gone, zeroed.come) == (8 * 32, 0)
    assert zeroed.new is not None
    assert zeroed.new["sparsity_fraction"] == 0.25
    assert moved.new is not None
    assert moved.new["moved_fraction"] == 4 / 1024
    assert moved.new["largest_move"] == pytest.approx(0.5)
    assert section.same > 10


@pytest.mark.parametrize("headless", ["old", "new"])
def test_an_encoder_is_found_again_under_a_head(
    folder: Path, tmp_path: Path, headless: str
) -> None:
    AutoModel.from_pretrained(folder / headless).save_pretrained(tmp_path)
    sides = {"old": str(folder / "old"), "new": str(folder / "new"), headless: str(tmp_path)}
    (section,) = compare(sides["old"], sides["new"]).sections
    first, second, *rest = [change.name for change in section.changes]
    assert (first, second) == (QUERY, KEY)
    assert {name.split(".")[0] for name in rest} == {"classifier"}


def test_a_model_equals_itself(folder: Path) -> None:
    assert compare(str(folder / "old"), str(folder / "old")).equal


def test_programs_are_taken_at_any_two_passes(folder: Path) -> None:
    asked = Asked(overrides=[f"model={folder / 'old'}"])
    found = compare("magnitude-oneshot@clean", "@prune", asked)
    calls = {change.name: change for change in found.sections[0].changes}
    assert found.new == "magnitude-oneshot@prune"
    assert list(calls) == ["mul"]
    assert (calls["mul"].come, calls["mul"].gone) == (12, 0)
    lines = [line for hunk in found.hunks for line in hunk.lines]
    assert sum(line.startswith("+") and "# 50.0% zero" in line for line in lines) == 12
    assert compare("magnitude-oneshot@start", "@start", asked).equal


def test_hunks_say_where_they_begin_and_columns_do_not_count() -> None:
    before = "program()\n  %a : f32[2] = relu(%x)\n  %b : f32[2] = neg(%a)\n  return [%b]"
    after = "program()\n  %a    : f32[2] = relu(%x)\n  %b    : f32[2] = abs(%a)\n  return [%b]"
    found = compare_texts(before, after, "r@a", "r@b")
    (hunk,) = found.hunks
    assert (hunk.old_line, hunk.new_line) == (2, 2)
    assert hunk.lines == [
        " %a : f32[2] = relu(%x)",
        "-%b : f32[2] = neg(%a)",
        "+%b : f32[2] = abs(%a)",
        " return [%b]",
    ]
    assert {change.name: (change.gone, change.come) for change in found.sections[0].changes} == {
        "neg": (1, 0),
        "abs": (0, 1),
    }


def test_recipes_differ_key_by_key_and_defaults_are_told_apart() -> None:
    found = compare("magnitude-oneshot", "wanda-oneshot-50")
    changes = {change.name: (change.old, change.new) for change in found.sections[0].changes}
    assert changes == {
        "passes.prune.criterion": (
            {"value": "magnitude", "default": False},
            {"value": "wanda", "default": False},
        ),
        "passes.prune.scope": (
            {"value": "weight", "default": True},
            {"value": "row", "default": False},
        ),
    }


def test_a_pass_that_runs_twice_is_compared_by_its_turn() -> None:
    found = compare("magnitude-oneshot", "structured-oneshot")
    names = [change.name for change in found.sections[0].changes]
    assert "passes.prune:1.pattern" in names
    assert "passes.prune:2.pattern" in names
    assert "passes.prune:2.scope" not in names, "a default of a pass that is new says nothing"


def test_runs_differ_in_results_weights_and_surroundings(tmp_path: Path) -> None:
    for name, zeros, threads in (("a", 0.5, "1"), ("b", 0.75, "2")):
        report = RunReport(
            recipe="r", model="m", seed=1, versions={}, machine={"torch_threads": threads},
            pruned_sparsity=zeros, bytes_sparse=10, weights={"w": zeros},
        )  # fmt: skip
        (tmp_path / name).mkdir()
        report.save(tmp_path / name / "report.json")
    found = compare(str(tmp_path / "a"), str(tmp_path / "b" / "report.json"))
    changed = {each.name: [c.name for c in each.changes] for each in found.sections}
    assert changed == {
        "results": ["zeros in the pruned weights"],
        "weights": ["w"],
        "surroundings": ["torch_threads"],
    }


def save_onnx(path: Path, weight: np.ndarray, operator: str) -> None:
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 4]) for name in ("x", "y")
    ]
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["z"]),
        helper.make_node(operator, ["z"], ["y"]),
    ]
    stored = [onnx.numpy_helper.from_array(weight, "w")]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], stored)
    onnx.save(helper.make_model(graph), path)


def test_onnx_files_differ_in_operators_and_stored_weights(tmp_path: Path) -> None:
    ones = np.ones((4, 4), np.float32)
    save_onnx(tmp_path / "a.onnx", ones, "Relu")
    save_onnx(tmp_path / "b.onnx", np.tril(ones, -1), "Tanh")
    found = compare(str(tmp_path / "a.onnx"), str(tmp_path / "b.onnx"))
    changed = {each.name: [c.name for c in each.changes] for each in found.sections}
    assert changed == {"file": [], "ends": [], "operators": ["Relu", "Tanh"], "weights": ["w"]}
    (weight,) = found.sections[3].changes
    assert weight.new == {
        "shape": [4, 4],
        "sparsity_fraction": 10 / 16,
        "size_bytes": 64,
        "stored": "dense",
    }


def test_the_kind_of_a_thing_is_found_by_looking(folder: Path) -> None:
    assert kind_of("demo") == "recipe"
    assert kind_of("demo@clean") == "program"
    assert kind_of("a.yaml@prune:2") == "program"
    assert kind_of("x/model.onnx") == "onnx"
    assert kind_of(str(folder / "old")) == "model"
    assert kind_of("package://name/model") == "model"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("demo", "a.onnx",
         "diff: demo is a recipe, and a.onnx is an ONNX file; name two of a kind"),
        ("demo@cleen", "demo@clean",
         "demo@cleen: demo has no pass 'cleen'; did you mean 'clean'?"),
        ("structured-oneshot@prune", "@clean",
         "structured-oneshot@prune: `prune` runs twice; say prune:1 or prune:2"),
        ("magnitude-oneshot@clean", "@prune",
         "magnitude-oneshot.yaml:3:1: model: the recipe names no model; add `--model FOLDER`"),
        ("a.onnx", "b.onnx", "a.onnx: no such file"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_in_one_sentence(old: str, new: str, message: str) -> None:
    with pytest.raises(Problem) as caught:
        compare(old, new)
    assert str(caught.value) == message


def test_shapes_that_differ_count_what_is_not_zero(folder: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    tiny.save("bert", tmp_path / "wide", intermediate_size=96)
    found = compare(str(folder / "old"), str(tmp_path / "wide"))
    name = "bert.encoder.layer.0.intermediate.dense.weight"
    (wider,) = (change for change in found.sections[0].changes if change.name == name)
    assert wider.old is not None
    assert wider.new is not None
    assert (wider.old["shape"], wider.new["shape"]) == ([64, 32], [96, 32])
    assert (wider.gone, wider.come) == (0, 32 * 32)
