"""Hugging Face's names in the `train` section: taken, resolved, and never beside our own."""

from __future__ import annotations

from pathlib import Path

import pytest

from sparsify.errors import Problem
from sparsify.schema import json_schema, read

HUGGING_FACE = """\
# Named as in TrainingArguments.
passes: [clean]
data: {train: a.tsv}
train:
  per_device_train_batch_size: 16
  max_steps: 100
  warmup_ratio: 0.2
  learning_rate: 1.0e-4
  weight_decay: 0.01
  eval_steps: 10
  save_steps: 20
  logging_steps: 5
teacher:
  fine_tune: {num_train_epochs: 2}
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = Path("mine.yaml")
    path.write_text(HUGGING_FACE)
    return path


def test_familiar_names_are_taken_and_resolved_to_ours(file: Path) -> None:
    found = read(str(file))
    assert found.recipe.train is not None
    assert found.recipe.train.model_dump(exclude_unset=True) == {
        "batch": 16, "steps": 100, "warmup": 0.2, "learning_rate": 1e-4, "weight_decay": 0.01,
        "evaluate_every": 10, "checkpoint_every": 20, "log_every": 5,
    }  # fmt: skip
    assert found.recipe.teacher is not None
    assert found.recipe.teacher.fine_tune.epochs == 2
    assert "per_device" not in found.text
    assert "  batch: 16" in found.text


def test_a_child_changes_what_its_base_says_under_the_other_name(file: Path) -> None:
    Path("child.yaml").write_text("extends: mine.yaml\ntrain: {batch: 8, max_steps: 7}\n")
    train = read("child.yaml").recipe.train
    assert train is not None
    assert (train.batch, train.steps) == (8, 7)


def test_the_command_line_takes_them_too(file: Path) -> None:
    train = read(str(file), ["train.max_steps=3", "train.batch=2"]).recipe.train
    assert train is not None
    assert (train.batch, train.steps) == (2, 3)
    whole = read(str(file), ["train={num_train_epochs: 1}"]).recipe.train
    assert whole is not None
    assert whole.epochs == 1


@pytest.mark.parametrize(
    ("train", "says"),
    [
        (
            "  batch: 4\n  per_device_train_batch_size: 8",
            "both.yaml:4:3: `per_device_train_batch_size` and `batch` are one key; keep `batch`",
        ),
        (
            "  max_steps: 4\n  steps: 8",
            "both.yaml:4:3: `max_steps` and `steps` are one key; keep `steps`",
        ),
        (
            "  max_steps: -1",
            "both.yaml:3:14: train.steps: must be greater than 0, not -1",
        ),
        ("  max_step: 4", "both.yaml:3:3: train.max_step: unknown key"),
    ],
)
def test_both_spellings_at_once_are_a_mistake(
    train: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("both.yaml").write_text(f"passes: [clean]\ntrain:\n{train}\n")
    with pytest.raises(Problem) as caught:
        read("both.yaml")
    assert str(caught.value).startswith(says)


def test_editors_know_them() -> None:
    keys = json_schema()["$defs"]["Train"]["properties"]
    assert keys["max_steps"]["description"] == "Hugging Face's name of `steps`."
    assert keys["max_steps"]["anyOf"] == keys["steps"]["anyOf"]
