"""Half of a saved model's heads and neurons are removed: run, load, show, export, run again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from typer.testing import CliRunner

import sparsify
from sparsify import schema
from sparsify.cli import app
from sparsify.report import RunReport
from sparsify.run import run
from tests.sparsify import tiny

COMMAND = CliRunner()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of `sparsify run structured-oneshot` on a BERT of two layers with four heads."""
    folder = tmp_path_factory.mktemp("structured")
    tiny.save("bert", folder / "model", num_attention_heads=4)
    loaded = schema.read("structured-oneshot", [f"model={folder / 'model'}", "export.bench=false"])
    run(loaded, folder / "out")
    return folder / "out"


def test_the_report_tells_what_became_of_every_structure(small: Path) -> None:
    report = RunReport.load(small / "report.json")
    heads, neurons, shrunk = (step for step in report.passes if step.tag in ("prune", "shrink"))
    layers = [f"bert.encoder.layer.{i}." for i in range(2)]
    assert heads.did == {f"{x}attention.self.query.weight": "2 of 4 heads zero" for x in layers}
    assert neurons.did == {f"{x}intermediate.dense.weight": "32 of 64 neurons zero" for x in layers}
    before, after = shrunk.parameters
    removed = 2 * (4 * 16 * 32 + 3 * 16 + 2 * 32 * 32 + 32)
    assert before - after == removed
    assert report.dense_cost is not None
    assert report.sparse_cost is not None
    assert report.dense_cost.parameters - report.sparse_cost.parameters == removed
    assert report.sparse_cost.dense_macs < report.dense_cost.dense_macs
    assert report.pruned_sparsity is None
    assert report.parity is not None
    assert report.parity.max_abs_difference < 1e-5


def test_the_folder_loads_as_a_program_and_as_a_model_with_equal_outputs(small: Path) -> None:
    program = sparsify.load(small)
    module = sparsify.load(small, as_model=True)
    session = onnxruntime.InferenceSession(str(small / "model.onnx"))
    found = session.run(None, {name: value.numpy() for name, value in program.inputs.items()})[0]
    np.testing.assert_allclose(found, program.outputs()[0].numpy(), atol=1e-5)
    with torch.no_grad():
        np.testing.assert_allclose(module(**program.inputs).logits.numpy(), found, atol=1e-5)


def test_show_and_export_take_the_folder_of_weights(small: Path, tmp_path: Path) -> None:
    plain = tmp_path / "small"
    shutil.copytree(small, plain, ignore=shutil.ignore_patterns("report.json", "*.onnx"))
    shown = COMMAND.invoke(app, ["show", str(plain), "--json"])
    assert shown.exit_code == 0, shown.output
    shapes = {weight["name"]: weight["shape"] for weight in json.loads(shown.stdout)["weights"]}
    assert shapes["bert.encoder.layer.1.output.dense.weight"] == [32, 32]
    done = COMMAND.invoke(app, ["export", str(plain), "--output", str(tmp_path / "onnx")])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "onnx" / "model.onnx").is_file()


def test_a_smaller_model_can_be_made_smaller_still(small: Path, tmp_path: Path) -> None:
    loaded = schema.read("structured-oneshot", [f"model={small}", "export.bench=false"])
    report = run(loaded, tmp_path)
    heads, neurons = (step for step in report.passes if step.tag == "prune")
    assert set(heads.did.values()) == {"1 of 2 heads zero"}
    assert set(neurons.did.values()) == {"16 of 32 neurons zero"}
    program = sparsify.load(tmp_path)
    assert program.tensor("bert.encoder.layer.0.intermediate.dense.weight").shape == (16, 32)
