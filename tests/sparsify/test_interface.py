"""The Python interface: a user's own module and DataLoader, a Hugging Face model at hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import sparsify
from sparsify.batches import by_name, named_dimensions
from tests.sparsify.programs import model
from tests.sparsify.tiny import tokenizer

METHODS: dict[str, list[Any]] = {
    "magnitude": [{"prune": {"criterion": "magnitude", "sparsity": 0.5}}],
    "wanda": [{"prune": {"criterion": "wanda", "sparsity": 0.5, "scope": "row"}}],
    "sparsegpt": [{"sparsegpt": {"sparsity": 0.5}}],
    "obert": [{"obert": {"sparsity": 0.5}}],
}
EVERYTHING = {"insert-masks": {"targets": ["*"]}}


def own() -> tuple[nn.Module, DataLoader[Any]]:
    """A plain module, and tuples of features and labels."""
    torch.manual_seed(0)
    rows = TensorDataset(torch.randn(60, 16), torch.randint(3, (60,)))
    return nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 3)), DataLoader(rows, 8)


@pytest.mark.parametrize("method", METHODS)
def test_five_lines_prune_a_plain_module_on_its_own_data(method: str, tmp_path: Path) -> None:
    module, loader = own()
    program = sparsify.capture(module, next(iter(loader)))
    sparsify.apply([EVERYTHING, *METHODS[method]], program, calibration=loader)
    sparsify.to_onnx(program, tmp_path / "made" / "model.onnx")
    seen = sparsify.inspect(program)
    assert seen.sparsity == 0.5
    assert seen.inputs == {"input": ("batch", 16)}
    features, _ = next(iter(loader))
    session = onnxruntime.InferenceSession(tmp_path / "made" / "model.onnx")
    (found,) = session.run(None, {"input": features.numpy()})
    expected = program.outputs({"input": features})[0].numpy()
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_folding_writes_the_zeros_into_the_users_own_module() -> None:
    module, loader = own()
    program = sparsify.capture(module, next(iter(loader)))
    sparsify.apply([EVERYTHING, *METHODS["magnitude"], "fold-masks"], program)
    assert float((module[0].weight == 0).float().mean()) == 0.5  # type: ignore[index]
    assert not program.masks()
    assert sparsify.inspect(program).sparsity == 0.5


def test_a_hugging_face_model_at_hand_with_a_tokenizers_batch(tmp_path: Path) -> None:
    words, bert = tokenizer(), model("bert")
    batch = words(["a b c", "d e", "f"], padding=True, return_tensors="pt")
    program = sparsify.capture(bert, batch)
    assert program.dynamic["input_ids"] == {0: "batch", 1: "sequence"}
    steps = sparsify.apply("wanda-oneshot-50", program, calibration=[batch])
    assert [step.tag for step in steps] == ["clean", "insert-masks", "prune"]
    assert sparsify.inspect(program).sparsity == 0.5
    sparsify.apply(["fold-masks"], program)
    sparsify.save(program, tmp_path, bert)
    again = sparsify.load(tmp_path, as_model=True)
    expected = bert.eval()(**batch).logits
    assert torch.equal(again(**batch).logits, expected)


def test_what_inspect_says_is_what_numpy_counts() -> None:
    module, loader = own()
    program = sparsify.capture(module, next(iter(loader)))
    sparsify.apply([EVERYTHING, *METHODS["magnitude"]], program)
    for weight in sparsify.inspect(program).weights:
        zeros = (program.effective(weight.name).numpy() == 0).mean()
        assert weight.sparsity == pytest.approx(zeros)
    assert [w.role for w in sparsify.inspect(program).weights if w.masked] == ["pooler", "head"]


def test_a_recipe_has_many_forms_and_one_meaning(tmp_path: Path) -> None:
    listed = sparsify.read(["clean", {"insert-masks": {"targets": ["*"]}}])
    file = tmp_path / "mine.yaml"
    file.write_text("passes:\n  - clean\n  - insert-masks: {targets: ['*']}\n")
    assert sparsify.read(file) == sparsify.read(str(file)) == listed == sparsify.read(listed)
    assert sparsify.read(listed.passes).passes == listed.passes


@pytest.mark.parametrize(
    ("recipe", "says"),
    [
        (["prun"], "recipe: passes: no pass named 'prun'; did you mean 'prune'?"),
        (["insert-masks", *METHODS["wanda"]], "passes[1]: there is nothing to calibrate on"),
        (
            ["insert-masks", {"prune": {"criterion": "movement", "sparsity": 0.5,
                                        "schedule": "cubic"}}],
            "`prune` works while training; "
            "use `sparsify.SparsifyTrainerMixin`, or a one-shot schedule",
        ),
    ],
)  # fmt: skip
def test_mistakes_are_problems(recipe: list[Any], says: str) -> None:
    program = sparsify.capture(model("bert"), {"input_ids": torch.randint(4, 40, (2, 6))})
    with pytest.raises(sparsify.Problem) as caught:
        sparsify.apply(recipe, program)
    assert str(caught.value).startswith(says)


def test_batches_of_any_form_have_names() -> None:
    x, y = torch.zeros(2, 3), torch.ones(2)
    names = ["features", "scale"]
    for batch in ((x, y), [x, y], {"features": x, "label": y}, {"features": x, "targets": y}):
        assert list(by_name(batch, names, ["features"])) == ["features", "labels"]
    assert list(by_name(x, names, ["features"])) == ["features"]
    with pytest.raises(sparsify.Problem, match="a batch holds no 'features', which"):
        by_name({"other": x}, names, ["features"])
    with pytest.raises(sparsify.Problem, match="a batch is str, and a mapping or tuple"):
        by_name("text", names, ["features"])


def test_dimensions_get_names() -> None:
    def zeros(*shape: int, dtype: Any = None) -> Tensor:
        return torch.zeros(*shape, dtype=dtype)

    ids = zeros(2, 7, dtype=torch.long)
    assert named_dimensions({"ids": ids, "attention_mask": ids.bool()}) == {
        "ids": {0: "batch", 1: "sequence"}, "attention_mask": {0: "batch", 1: "sequence"},
    }  # fmt: skip
    assert named_dimensions({"x": zeros(2, 7)}) == {"x": {0: "batch"}}
    assert named_dimensions({"x": zeros(2, 3, 8, 8)}) == {"x": {0: "batch"}}
    assert named_dimensions({"ids": ids, "out": zeros(2, 5, 3)}) == {
        "ids": {0: "batch", 1: "sequence"}, "out": {0: "batch", 1: "out_sequence"},
    }  # fmt: skip
