"""Interrupted anywhere and resumed, a run ends with the same weights, bit for bit."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest
import torch
from torch import Tensor

from passes.insert_masks import InsertMasks
from sparsify.errors import Problem
from sparsify.history import History
from sparsify.pipeline import Pass
from sparsify.report import Point
from sparsify.training import checkpoint
from tests.sparsify.training.runs import CAP, Looks, Stop, prune, run, session, tensors

LINEAR: tuple[Pass, ...] = (InsertMasks(), prune(criterion="magnitude", schedule="linear"))
PLANS = {"cap": CAP, "linear": LINEAR}
CHECKED = ("accuracy", "task_loss", "sparsity_fraction")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> object:
    @cache
    def whole(plan: str) -> tuple[dict[str, Tensor], list[Point], History]:
        found = session(tmp_path_factory.mktemp("whole"), *PLANS[plan])
        points = run(found)
        return tensors(found.student), points, found.history

    return whole


def told(history: list[Point]) -> list[tuple[int, list[float]]]:
    return [(point.step, [point.values[key] for key in CHECKED]) for point in history]


def interrupt(folder: Path, plan: str, step: int, *, resume: bool = False) -> None:
    with pytest.raises(Stop):
        run(session(folder, *PLANS[plan], watch=Looks(stop=step)), resume=resume)


@pytest.mark.parametrize(
    ("plan", "stops"),
    [("cap", [2]), ("cap", [5]), ("cap", [7]), ("cap", [13, 19]), ("linear", [11])],
)
def test_it_ends_with_the_same_weights_and_the_same_history(
    plan: str, stops: list[int], tmp_path: Path, whole: object
) -> None:
    for number, step in enumerate(stops):
        interrupt(tmp_path, plan, step, resume=number > 0)
    found = session(tmp_path, *PLANS[plan])
    points = run(found, resume=True)
    expected, seen, history = whole(plan)  # type: ignore[operator]
    for name, tensor in tensors(found.student).items():
        assert torch.equal(tensor, expected[name]), name
    assert told(points) == told(seen)
    assert found.history == history


def test_a_damaged_checkpoint_is_a_mistake(tmp_path: Path) -> None:
    interrupt(tmp_path, "linear", 12)
    weights = tmp_path / "checkpoint-10" / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(Problem) as caught:
        run(session(tmp_path, *LINEAR), resume=True)
    assert str(caught.value) == (
        f"{weights}: the checkpoint is damaged; "
        "delete checkpoint-10 to resume from the one before it"
    )


def test_a_checkpoint_that_was_not_finished_is_passed_over(tmp_path: Path, whole: object) -> None:
    interrupt(tmp_path, "linear", 12)
    newest = tmp_path / "checkpoint-10"
    (newest / checkpoint.SEAL).unlink()
    (newest / "model.safetensors").write_bytes(b"half")
    assert checkpoint.latest(tmp_path) == tmp_path / "checkpoint-5"
    found = session(tmp_path, *LINEAR)
    run(found, resume=True)
    expected, *_ = whole("linear")  # type: ignore[operator]
    assert all(torch.equal(t, expected[n]) for n, t in tensors(found.student).items())


def test_without_a_checkpoint_it_starts_anew(tmp_path: Path, whole: object) -> None:
    found = session(tmp_path, *LINEAR)
    run(found, resume=True)
    expected, *_ = whole("linear")  # type: ignore[operator]
    assert all(torch.equal(t, expected[n]) for n, t in tensors(found.student).items())


def test_a_missing_bank_is_a_mistake(tmp_path: Path) -> None:
    interrupt(tmp_path, "cap", 8)
    bank = tmp_path / "banks" / "pretrained.npy"
    bank.unlink()
    with pytest.raises(Problem) as caught:
        run(session(tmp_path, *CAP), resume=True)
    assert str(caught.value) == f"{bank}: the bank is missing; run without `--resume`"


def test_checkpoints_hold_everything_and_no_pickle_of_ours(tmp_path: Path) -> None:
    interrupt(tmp_path, "cap", 8)
    folder = tmp_path / "checkpoint-5"
    sealed = json.loads((folder / checkpoint.SEAL).read_text())
    assert {"model.safetensors", "duties.safetensors", "history.json"} <= sealed.keys()
    assert "training_args.bin" not in sealed


def test_seals(tmp_path: Path) -> None:
    for step in (5, 10, 100):
        (tmp_path / f"checkpoint-{step}").mkdir()
        (tmp_path / f"checkpoint-{step}" / "a").write_text("b")
    assert checkpoint.latest(tmp_path) is None
    checkpoint.seal(tmp_path / "checkpoint-5")
    checkpoint.seal(tmp_path / "checkpoint-100")
    newest = tmp_path / "checkpoint-100"
    assert checkpoint.latest(tmp_path) == newest
    checkpoint.require(newest)
    (newest / checkpoint.SEAL).write_text("{")
    with pytest.raises(Problem, match="the checkpoint is damaged; delete checkpoint-100 to resume"):
        checkpoint.require(newest)
    (tmp_path / "checkpoint-5" / "a").unlink()
    with pytest.raises(Problem, match=r"checkpoint-5/a: the checkpoint is damaged"):
        checkpoint.require(tmp_path / "checkpoint-5")
