"""The command line from a recipe to a checked result, in processes of its own as a user has."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from huggingface_hub import ModelCard
from safetensors.torch import load_file
from transformers import AutoModelForSequenceClassification, pipeline

from sparsify.report import RunReport
from sparsify.training.checkpoint import latest
from tests.sparsify import tiny

RECIPE = """\
# CAP on a toy task, small enough for a test.
extends: cap-movement-90
vars: {steps: 40, teacher_steps: 12}
train: {batch: 8, learning_rate: 1.0e-3, checkpoint_every: 5, evaluate_every: 20}
teacher: {fine_tune: {batch: 8, learning_rate: 1.0e-3}}
"""


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny model, a recipe, and text whose first word is its class."""
    folder = tmp_path_factory.mktemp("toy")
    tiny.save("bert", folder / "model")
    random = np.random.default_rng(0)
    for split, count in (("train", 120), ("validation", 40)):
        rows = ["sentence\tlabel"]
        for _ in range(count):
            label = int(random.integers(2))
            words = random.choice(list("cdefgh"), int(random.integers(2, 9)))
            rows.append(f"{'ab'[label]} {' '.join(words)}\t{label}")
        (folder / f"{split}.tsv").write_text("\n".join(rows) + "\n")
    (folder / "toy.yaml").write_text(RECIPE)
    return folder


def command(toy: Path, output: Path, *more: str) -> list[str]:
    sets = [f"model={toy / 'model'}", *(f"data.{s}={toy / s}.tsv" for s in ("train", "validation"))]
    options = [word for each in sets for word in ("--set", each)]
    run = [sys.executable, "-m", "sparsify", "run", str(toy / "toy.yaml")]
    return [*run, *options, "--output", str(output), *more]


def environment(toy: Path) -> dict[str, str]:
    return {**os.environ, "SPARSIFY_CACHE": str(toy / "cache"), "OMP_NUM_THREADS": "1"}


def run(toy: Path, output: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(toy, output, *more), env=environment(toy), capture_output=True, text=True
    )


@pytest.fixture(scope="module")
def result(toy: Path) -> Path:
    """The folder of a run that nothing interrupted."""
    output = toy / "whole"
    done = run(toy, output, "--quiet")
    assert done.returncode == 0, done.stderr
    return output


def test_a_run_leaves_a_checked_result(result: Path) -> None:
    report = RunReport.load(result / "report.json")
    assert report.pruned_sparsity == pytest.approx(0.9, abs=0.001)
    assert report.parity is not None
    assert report.parity.max_abs_difference < 1e-5
    assert report.sparse is not None
    assert report.sparse_onnx is not None
    assert report.sparse.values == report.sparse_onnx.values
    assert report.dense == report.dense_onnx
    phases = [phase.name for phase in report.phases]
    assert phases == [
        "data", "capture", "passes", "teacher", "train", "fold", "evaluate", "export", "check",
        "bench",
    ]  # fmt: skip
    assert [step.tag for step in report.passes] == [
        "clean", "insert-masks", "prune", "distill", "contrast", "fold-masks",
    ]  # fmt: skip
    assert {latency.file for latency in report.latency} == {
        str(result / "dense.onnx"),
        str(result / "model.onnx"),
    }


def test_the_folder_holds_what_a_user_needs_and_no_leftovers(result: Path) -> None:
    names = {path.name for path in result.iterdir()}
    assert {"model.onnx", "dense.onnx", "model.safetensors", "recipe.yaml", "config.json"} <= names
    assert {"report.json", "history.json", "tokenizer.json"} <= names
    assert "work" not in names
    assert not [name for name in names if name.endswith(".part")]


def test_transformers_loads_the_checkpoint_and_agrees_with_the_onnx_file(result: Path) -> None:
    model = AutoModelForSequenceClassification.from_pretrained(result).eval()
    tokens = tiny.tokenizer()(["a c d", "b h"], return_tensors="pt", padding=True)
    session = onnxruntime.InferenceSession(str(result / "model.onnx"))
    names = [each.name for each in session.get_inputs()]
    found = session.run(None, {name: tokens[name].numpy() for name in names})[0]
    with torch.no_grad():
        expected = model(**tokens).logits.numpy()
    np.testing.assert_allclose(found, expected, atol=1e-5)
    zeros = [float((p == 0).float().mean()) for n, p in model.named_parameters() if "layer.0" in n]
    assert max(zeros) == pytest.approx(0.9, abs=0.01)


def test_a_pipeline_of_transformers_runs_on_the_folder_and_its_card_is_whole(result: Path) -> None:
    classify = pipeline("text-classification", model=str(result))
    found = classify(["a c d", "b e f"])
    assert [set(each) for each in found] == [{"label", "score"}] * 2
    report = RunReport.load(result / "report.json")
    data = ModelCard.load(result / "README.md").data.to_dict()
    told = {each["type"]: each["value"] for each in data["model-index"][0]["results"][0]["metrics"]}
    assert report.sparse_onnx is not None
    assert told["accuracy"] == round(report.sparse_onnx.values["accuracy"], 6)


def test_the_resolved_recipe_gives_the_same_weights_again(toy: Path, result: Path) -> None:
    output = toy / "again"
    again = [sys.executable, "-m", "sparsify", "run", str(result / "recipe.yaml")]
    done = subprocess.run(
        [*again, "--output", str(output), "--quiet"], env=environment(toy), capture_output=True
    )
    assert done.returncode == 0, done.stderr
    assert same_weights(result, output)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
@pytest.mark.parametrize("moment", ["work/teacher/checkpoint-4", "work/student/checkpoint-15"])
def test_an_interrupted_run_resumes_to_the_same_weights(
    toy: Path, result: Path, how: signal.Signals, moment: str
) -> None:
    output = toy / f"{how.name}-{Path(moment).parent.name}"
    fresh = interrupt(toy, output, moment, how)
    resumed = subprocess.run(
        command(toy, output, "--resume", "--quiet"), env=fresh, capture_output=True, text=True
    )
    assert resumed.returncode == 0, resumed.stderr
    assert same_weights(result, output)
    assert (output / "history.json").read_text() == (result / "history.json").read_text()


def test_a_damaged_checkpoint_is_one_sentence(toy: Path) -> None:
    output = toy / "damaged"
    fresh = interrupt(toy, output, "work/student/checkpoint-15", signal.SIGKILL)
    newest = latest(output / "work" / "student")
    assert newest is not None
    weights = newest / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    resumed = subprocess.run(
        command(toy, output, "--resume", "--quiet"), env=fresh, capture_output=True, text=True
    )
    assert resumed.returncode == 2
    assert resumed.stderr.splitlines()[-1] == (
        f"error: {weights}: the checkpoint is damaged; "
        f"delete {newest.name} to resume from the one before it"
    )
    assert not (output / "report.json").exists()


def interrupt(toy: Path, output: Path, moment: str, how: signal.Signals) -> dict[str, str]:
    """Run until the folder `moment` exists, then stop it; the environment to resume it in."""
    fresh = environment(toy) | {"SPARSIFY_CACHE": str(output / "cache")}
    process = subprocess.Popen(
        command(toy, output),
        env=fresh,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        # what a shell starts in the background, such as a whole run of the tests, ignores Ctrl-C
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 300
    while not (output / moment).exists():
        assert process.poll() is None, "the run ended before it could be interrupted"
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(how)
    _, said = process.communicate(timeout=60)
    assert process.returncode == (-how if how == signal.SIGKILL else 130), said.decode()
    assert not (output / "report.json").exists()
    return fresh


def test_a_second_run_does_not_overwrite_the_first(toy: Path, result: Path) -> None:
    before = (result / "report.json").read_text()
    done = run(toy, result)
    assert done.returncode == 2
    expected = f"error: {result}: holds the result of a run; add `--overwrite` or `--output`\n"
    assert done.stderr == expected
    assert (result / "report.json").read_text() == before


def test_a_missed_accuracy_floor_is_exit_code_1_with_the_report_written(toy: Path) -> None:
    output = toy / "floor"
    hard = ("--set", "train.accuracy_floor=1.0", "--set", "vars.steps=2", "--set", "seed=1")
    done = run(toy, output, *hard, "--set", "train.learning_rate=1e-9", "--quiet")
    assert done.returncode == 1, done.stderr
    report = RunReport.load(output / "report.json")
    assert report.dense is not None
    assert report.sparse_onnx is not None
    kept = report.sparse_onnx.values["accuracy"] / report.dense.values["accuracy"]
    assert kept < 1
    assert done.stderr.startswith(f"check failed: the sparse model keeps {kept:.1%} of the dense")


def test_json_on_stdout_is_the_report(toy: Path) -> None:
    output = toy / "json"
    words = [sys.executable, "-m", "sparsify", "run", "magnitude-oneshot", "--model"]
    done = subprocess.run(
        [*words, str(toy / "model"), "--output", str(output), "--json"],
        env=environment(toy),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["pruned_sparsity"] == pytest.approx(0.5, abs=0.001)


def same_weights(a: Path, b: Path) -> bool:
    first, second = load_file(a / "model.safetensors"), load_file(b / "model.safetensors")
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)
