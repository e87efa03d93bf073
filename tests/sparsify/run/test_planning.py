"""What a plan predicts is what a run then makes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sparsify import run as runner
from sparsify import schema
from sparsify.export import fastest
from sparsify.run import planning
from tests.sparsify import tiny
from tests.sparsify.export.test_cost_model import MADE

FILE_TOLERANCE = 0.02
"""Of the bytes: names and shapes of the graph are estimated, and weigh most in a tiny model."""


@pytest.fixture
def encoder(tmp_path: Path) -> Path:
    return tiny.save("bert", tmp_path / "model", hidden_size=64, intermediate_size=128)


@pytest.fixture
def timed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Layers take the times of a made-up machine."""
    monkeypatch.setattr(planning, "is_fitted", lambda *_: True)
    for module in (planning, fastest):
        monkeypatch.setattr(module, "cost_model", lambda *_: MADE)


@pytest.mark.usefixtures("timed")
@pytest.mark.parametrize(
    ("recipe", "lowering"),
    [
        ("magnitude-oneshot", "dense"),
        ("magnitude-oneshot", "sparse"),
        ("structured-oneshot", "auto"),
    ],
)
def test_a_run_comes_to_what_was_planned(
    recipe: str, lowering: str, encoder: Path, tmp_path: Path
) -> None:
    settings = [f"model={encoder}", f"export.lowering={lowering}", "export.bench=false"]
    loaded = schema.read(recipe, settings)
    planned = runner.plan(loaded)
    made = runner.run(loaded, tmp_path / "out")
    assert made.dense_cost is not None
    assert made.sparse_cost is not None
    for foreseen, found in ((planned.before, made.dense_cost), (planned.after, made.sparse_cost)):
        assert (foreseen.parameters, foreseen.zeros) == (found.parameters, found.zeros)
    assert planned.dense_file.size_bytes == pytest.approx(made.bytes_dense, rel=FILE_TOLERANCE)
    assert planned.sparse_file.size_bytes == pytest.approx(made.bytes_sparse, rel=FILE_TOLERANCE)
    foreseen_forms = {
        each.name: (each.form, each.stored_bytes) for each in planned.sparse_file.stored
    }
    found_forms = {each.name: (each.form, each.stored_bytes) for each in made.stored}
    assert foreseen_forms == found_forms
    assert [each.tag for each in planned.passes] == [each.tag for each in made.passes]


@pytest.mark.usefixtures("timed")
def test_what_training_would_zero_is_in_the_prediction(encoder: Path) -> None:
    planned = runner.plan(schema.read("magnitude-kd-90", [f"model={encoder}"]))
    masked = planned.passes[1].facts["masked_parameters"]
    assert planned.after.zeros == pytest.approx(0.9 * masked, rel=1e-3)
    assert planned.dense_file.linear_ms is not None
    assert planned.sparse_file.linear_ms is not None
    assert planned.sparse_file.linear_ms < planned.dense_file.linear_ms


@pytest.mark.usefixtures("timed")
def test_weights_that_the_export_may_cut_are_told(encoder: Path) -> None:
    masked_neurons = [f"model={encoder}", "passes.prune.pattern=neuron"]
    planned = runner.plan(schema.read("magnitude-oneshot", masked_neurons))
    kinds = {name.split("layer.")[1][2:] for name in planned.sparse_file.cut_later}
    assert kinds == {"intermediate.dense.weight", "output.dense.weight"}
    scattered = runner.plan(schema.read("magnitude-oneshot", masked_neurons[:1]))
    assert scattered.sparse_file.cut_later == []


def test_layers_too_small_to_time_have_no_latency(tmp_path: Path) -> None:
    folder = tiny.save("bert", tmp_path / "model")
    planned = runner.plan(schema.read("magnitude-oneshot", [f"model={folder}"]))
    assert planned.dense_file.linear_ms is None
    assert planned.no_latency == "every layer has a side below 64: too small to predict"


def test_a_plan_imports_nothing_that_only_training_and_exporting_need() -> None:
    code = (
        "import sys, sparsify.run.planning\n"
        "heavy = {'datasets', 'onnxscript', 'pandas', 'scipy.stats', 'sklearn'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
