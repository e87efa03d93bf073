"""`sparsify.train`: a module and batches of the user's own, interrupted, resumed, reported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import sparsify
from sparsify import Problem
from sparsify.history import History
from sparsify.report import RunReport
from sparsify.run.unfinished import unfinished

STEPS = 30
MOVEMENT = {"criterion": "movement", "sparsity": 0.8, "schedule": "cubic", "every": 3}
RECIPE: dict[str, Any] = {
    "passes": [{"insert-masks": {"targets": ["*"]}}, {"prune": MOVEMENT}],
    "train": {"steps": STEPS, "learning_rate": 0.01, "checkpoint_every": 10},
}


def own() -> tuple[nn.Module, DataLoader[Any]]:
    """A plain module with dropout, and shuffled tuples of features and labels."""
    torch.manual_seed(0)
    features = torch.randn(48, 8)
    rows = TensorDataset(features, features[:, :3].argmax(1))
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 3))
    return model, DataLoader(rows, batch_size=8, shuffle=True)


def accuracy(model: nn.Module) -> dict[str, float]:
    rows = own()[1].dataset
    assert isinstance(rows, TensorDataset)
    features, labels = rows.tensors
    return {"accuracy": float((model(features).argmax(1) == labels).float().mean())}


class Stop(Exception):
    """An interruption."""


class Stopping(sparsify.Watch):
    def advance(self, task: str, done: int, facts: Any) -> None:
        if done == 17:
            raise Stop


def trained(folder: Path, **options: Any) -> tuple[nn.Module, RunReport]:
    model, loader = own()
    return model, sparsify.train(RECIPE, model, loader, evaluate=accuracy, folder=folder, **options)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, nn.Module, RunReport]:
    folder = tmp_path_factory.mktemp("own") / "whole"
    return folder, *trained(folder)


def test_the_weights_end_as_sparse_as_was_asked(whole: tuple[Path, nn.Module, RunReport]) -> None:
    folder, model, report = whole
    weights: list[Tensor] = [model[0].weight, model[3].weight]  # type: ignore[index]
    zeros = sum(int((weight == 0).sum()) for weight in weights)
    assert report.pruned_sparsity == zeros / sum(weight.numel() for weight in weights)
    assert report.pruned_sparsity == pytest.approx(0.8, abs=0.005)
    assert [step.tag for step in report.passes] == ["insert-masks", "prune"]
    assert report.sparse is not None
    assert report.sparse.values == accuracy(model.eval())
    assert report.sparse.values["accuracy"] > 0.5
    assert [point.step for point in report.history] == [*range(3, STEPS + 1, 3)]
    assert RunReport.load(folder / "report.json") == report
    history = History.load(folder)
    assert history.steps == STEPS
    assert history.masks.last("sparsity_fraction") == pytest.approx(0.8, abs=0.005)
    assert sorted(path.name for path in folder.iterdir()) == [
        "history.json",
        "recipe.yaml",
        "report.json",
    ]


def test_interrupted_and_resumed_it_ends_the_same(
    whole: tuple[Path, nn.Module, RunReport], tmp_path: Path
) -> None:
    with pytest.raises(Stop):
        trained(tmp_path / "run", watch=Stopping())
    seen = unfinished(tmp_path / "run")
    assert seen is not None
    assert (seen.phase, seen.step, seen.steps, seen.resume) == ("train", 10, STEPS, "")
    assert seen.history.evaluations.step == [3, 6, 9]
    with pytest.raises(Problem, match="holds an interrupted run; add `--resume`"):
        trained(tmp_path / "run")
    torch.rand(7)  # whatever was drawn before
    model, report = trained(tmp_path / "run", resume=True)
    for found, expected in zip(model.parameters(), whole[1].parameters(), strict=True):
        assert torch.equal(found, expected)
    assert report.history == whole[2].history
    assert History.load(tmp_path / "run") == History.load(whole[0])


def test_tensorboard_shows_the_losses_and_the_zeros(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    model, loader = own()
    train = {"steps": 12, "learning_rate": 0.01, "report_to": ["tensorboard"], "log_every": 4}
    report = sparsify.train(RECIPE | {"train": train}, model, loader, folder=tmp_path)
    seen = EventAccumulator(str(tmp_path / "logs"))
    seen.Reload()
    assert {"train/task_loss", "train/sparsity_fraction"} <= set(seen.Tags()["scalars"])
    zeros = [(each.step, each.value) for each in seen.Scalars("train/sparsity_fraction")]
    assert [step for step, _ in zeros][:3] == [4, 8, 12]
    assert zeros[2][1] == pytest.approx(report.pruned_sparsity, abs=0.01)


def test_a_loss_of_ones_own_and_mappings_with_labels(tmp_path: Path) -> None:
    model = nn.Linear(4, 2)
    torch.manual_seed(0)
    batches = [{"input": torch.randn(6, 4), "labels": torch.randn(6, 2)} for _ in range(4)]
    recipe = {"passes": [], "train": {"steps": 40, "learning_rate": 0.05}}
    before = model.weight.detach().clone()
    asked: list[tuple[int, ...]] = []

    def loss(outputs: Tensor, labels: Tensor) -> Tensor:
        asked.append(tuple(labels.shape))
        return (outputs - labels).abs().mean()

    sparsify.train(recipe, model, batches, loss=loss, folder=tmp_path)
    assert asked == [(6, 2)] * 40
    assert not torch.equal(before, model.weight)


@pytest.mark.parametrize(
    ("batches", "train", "says"),
    [
        ([], {}, "the training data holds no batch; give one that has rows"),
        ((row for row in ()), {}, "generator does not tell how many batches it has; give a Data"),
        ([(torch.randn(2, 4),)], {"steps": 1}, "a batch holds no labels; give them last in a tup"),
        ([()], {"freeze": ["head"]}, "`train.freeze` is not for a model of your own; set `requ"),
    ],
)
def test_mistakes_are_told_in_one_sentence(
    batches: Any, train: dict[str, Any], says: str, tmp_path: Path
) -> None:
    with pytest.raises(Problem) as caught:
        sparsify.train({"passes": [], "train": train}, nn.Linear(4, 2), batches, folder=tmp_path)
    assert str(caught.value).startswith(says)
