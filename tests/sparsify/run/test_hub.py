"""The model card, the upload, and trackers: checked without a hub."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
from huggingface_hub import ModelCard
from transformers import TrainerCallback
from transformers.integrations import integration_utils

from sparsify.errors import Problem
from sparsify.recipe import Optimization
from sparsify.report import RunReport, Scores
from sparsify.run.card import card
from sparsify.run.pushing import push, require_pushable
from sparsify.run.trackers import FOLDER, require_trackers, tracking
from sparsify.schema import parse, read
from sparsify.training import train
from tests.sparsify.training.runs import CAP, session

RECIPE = {"model": "org/base", "data": {"hub": "nyu-mll/glue", "subset": "sst2"}, "passes": []}


def report(**more: Any) -> RunReport:
    scores = Scores(main="accuracy", values={"accuracy": 0.8073})
    dense = Scores(main="accuracy", values={"accuracy": 0.8681})
    return RunReport(
        recipe="cap-movement-90",
        model="org/base",
        seed=42,
        versions={"torch": "2.13.0"},
        machine={"processor": "some processor", "torch_threads": "1"},
        pruned_sparsity=0.9,
        dense_onnx=dense,
        sparse_onnx=scores,
        bytes_dense=90_000_000,
        bytes_sparse=30_000_000,
        warnings=["It may be wrong."],
        **more,
    )


def test_a_card_holds_the_real_figures_in_the_form_that_the_hub_reads(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    text = card(report(), parse(RECIPE), tmp_path, "passes: []\n")
    found = ModelCard(text)
    data = found.data.to_dict()
    assert data["base_model"] == "org/base"
    assert (data["pipeline_tag"], data["library_name"]) == ("text-classification", "transformers")
    assert "pruning" in data["tags"]
    (result,) = data["model-index"][0]["results"]
    assert result["dataset"]["type"] == "nyu-mll/glue"
    (metric,) = result["metrics"]
    assert (metric["type"], metric["value"]) == ("accuracy", 0.8073)
    for said in (
        "90.0% of the pruned weights are zero.",
        "| accuracy, ONNX Runtime | 0.8681 | 0.8073 |",
        "| ONNX file, bytes | 90,000,000 | 30,000,000 |",
        "Machine: processor some processor, torch threads 1.",
        "AutoModelForSequenceClassification.from_pretrained(folder)",
        "```yaml\npasses: []\n```",
        "- It may be wrong.",
    ):
        assert said in found.content, said


def test_a_card_of_a_local_model_names_no_base_and_no_folder_of_this_machine(
    tmp_path: Path,
) -> None:
    (tmp_path / "sparsify.json").write_text("{}")
    given = report().model_copy(update={"model": str(tmp_path)})
    recipe = parse({"passes": []}).model_copy(update={"plugins": [f"{tmp_path}/mine.py"]})
    text = card(given, recipe, tmp_path, f"plugins: [{tmp_path}/mine.py]\npasses: []\n")
    assert "plugins: [mine.py]" in text
    assert "base_model" not in text
    assert str(tmp_path) not in text
    assert "sparsify.load(folder)" in text
    assert ModelCard(text).data.to_dict()["tags"] == ["sparsify", "pruning", "onnx"]


class Hub:
    """What HfApi does, written down."""

    calls: list[tuple[str, Any]] = []
    fault: Exception | None = None

    def create_repo(self, repository: str, **options: Any) -> None:
        if self.fault is not None:
            raise self.fault
        self.calls.append(("create", (repository, options)))

    def upload_folder(self, **options: Any) -> str:
        self.calls.append(("upload", options))
        return f"https://hub/{options['repo_id']}"


def test_a_folder_is_uploaded_without_unfinished_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface_hub, "HfApi", Hub)
    monkeypatch.setattr(Hub, "calls", [])
    assert push(tmp_path, "me/small") == "https://hub/me/small"
    (_, made), (_, uploaded) = Hub.calls
    assert made == ("me/small", {"exist_ok": True})
    assert uploaded["folder_path"] == tmp_path
    assert uploaded["ignore_patterns"] == ["work/*", "*.part"]


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (
            huggingface_hub.errors.OfflineModeIsEnabled("offline"),
            "--push-to-hub: the hub cannot be reached; go online, and unset HF_HUB_OFFLINE",
        ),
        (
            huggingface_hub.errors.LocalTokenNotFoundError("no token\nlong"),
            "--push-to-hub: the hub refuses (no token); log in with `hf auth login`, "
            "or set HF_TOKEN",
        ),
    ],
)
def test_what_the_hub_refuses_is_one_sentence(
    fault: Exception, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface_hub, "HfApi", Hub)
    monkeypatch.setattr(Hub, "fault", fault)
    with pytest.raises(Problem) as caught:
        push(tmp_path, "me/small")
    assert str(caught.value) == says


def test_a_wrong_name_or_no_network_is_said_before_the_run() -> None:
    with pytest.raises(Problem, match="'a b' is no name of a repository; write OWNER/NAME"):
        require_pushable("a b")
    with pytest.raises(Problem, match="the hub cannot be reached"):
        require_pushable("me/small")


class Tracker(TrainerCallback):
    """A tracker of the user's own."""

    seen: list[dict[str, float]] = []

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        self.seen.append({"step": state.global_step, **logs})


def test_trackers_are_told_losses_duties_and_evaluations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(integration_utils.INTEGRATION_TO_CALLBACK, "mine", Tracker)
    monkeypatch.setattr(Tracker, "seen", [])
    settings = Optimization(batch=4, learning_rate=1e-3)
    train(session(tmp_path, *CAP, steps=8), settings, seed=1, evaluate_every=8,
          report_to=["mine"], log_every=4)  # fmt: skip
    by_step = [(each["step"], set(each)) for each in Tracker.seen]
    assert by_step[0][0] == 4
    assert {"learning_rate", "distill_loss", "sparsity_fraction", "task_loss"} <= by_step[0][1]
    assert any("eval_accuracy" in names for _, names in by_step)


def test_a_tracker_that_is_not_there_is_a_mistake_with_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Absent(TrainerCallback):
        def __init__(self) -> None:
            raise RuntimeError("requires absent to be installed")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(integration_utils.INTEGRATION_TO_CALLBACK, "absent", Absent)
    for name, says in (
        ("tensorbord", "no tracker named 'tensorbord'; did you mean 'tensorboard'?"),
        ("absent", "the tracker 'absent' is not installed; pip install absent"),
    ):
        Path("r.yaml").write_text(f"passes: [clean]\ntrain:\n  report_to: [{name}]\n")
        with pytest.raises(Problem) as caught:
            require_trackers(read("r.yaml"))
        assert str(caught.value) == f"r.yaml:3:15: train.report_to.0: {says}"


def test_tensorboard_writes_beside_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FOLDER, raising=False)
    with tracking(Path("here")):
        assert os.environ[FOLDER] == "here"
    assert FOLDER not in os.environ
    monkeypatch.setenv(FOLDER, "mine")
    with tracking(Path("here")):
        assert os.environ[FOLDER] == "mine"
