"""Banks: normalised, small, kept on disk, and never trusted when damaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from passes import banks
from passes.banks import Bank
from sparsify.errors import Problem

ROWS = torch.tensor([1, 4, 5])
VALUES = torch.tensor([[3.0, 4.0], [0.0, 2.0], [-1.0, 0.0]])


def never() -> Tensor:
    raise AssertionError("encoded again")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "banks" / "pretrained.npy"


def test_vectors_are_normalised_halves_found_by_row(path: Path) -> None:
    bank = Bank.kept(path, ROWS, 7, lambda: VALUES)
    assert bank.vectors.dtype is torch.float16
    assert bank.size_bytes == 3 * 2 * 2
    assert bank.position.tolist() == [-1, 0, -1, -1, 1, 2, -1]
    vectors, rows = bank.find(torch.tensor([5, 0, 1]))
    assert rows.tolist() == [5, 1]
    assert vectors.dtype is torch.float32
    torch.testing.assert_close(vectors, F.normalize(VALUES, dim=-1)[[2, 0]], atol=1e-3, rtol=0)


def test_a_bank_is_encoded_once_and_written_whole(path: Path) -> None:
    first = Bank.kept(path, ROWS, 7, lambda: VALUES)
    again = Bank.kept(path, ROWS, 7, never)
    assert torch.equal(first.vectors, again.vectors)
    assert torch.equal(again.vectors, Bank.kept(path, ROWS, 7, None).vectors)
    assert [each.name for each in path.parent.iterdir()] == ["pretrained.npy"]


@pytest.mark.parametrize(("limit", "mapped"), [(0, True), (10**9, False)])
def test_a_large_bank_stays_on_disk(
    path: Path, monkeypatch: pytest.MonkeyPatch, limit: int, mapped: bool
) -> None:
    monkeypatch.setattr(banks, "MAPPED_BYTES", limit)
    seen = []
    load = np.load

    def spy(*args: object, **options: object) -> object:
        found = load(*args, **options)  # type: ignore[call-overload]
        seen.append(isinstance(found, np.memmap))
        return found

    monkeypatch.setattr(np, "load", spy)
    bank = Bank.kept(path, ROWS, 7, lambda: VALUES)
    assert seen == [mapped]
    found, _ = bank.find(torch.tensor([4]))
    assert found.tolist() == [[0.0, 1.0]]


def test_a_missing_bank_is_a_mistake(path: Path) -> None:
    with pytest.raises(Problem) as caught:
        Bank.kept(path, ROWS, 7, None)
    assert str(caught.value) == f"{path}: the bank is missing; run without `--resume`"


def damages(path: Path, how: str) -> None:
    match how:
        case "cut":
            path.write_bytes(path.read_bytes()[:-3])
        case "noise":
            path.write_bytes(b"nothing like a bank")
        case "rows":
            np.save(path, np.zeros((2, 2), dtype=np.float16))
        case "type":
            np.save(path, np.zeros((3, 2), dtype=np.float32))
        case "flat":
            np.save(path, np.zeros(3, dtype=np.float16))
        case "empty":
            path.write_bytes(b"")


@pytest.mark.parametrize("mapped", [True, False])
@pytest.mark.parametrize("how", ["cut", "noise", "rows", "type", "flat", "empty"])
def test_a_damaged_bank_is_a_mistake(
    path: Path, how: str, mapped: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    Bank.kept(path, ROWS, 7, lambda: VALUES)
    damages(path, how)
    monkeypatch.setattr(banks, "MAPPED_BYTES", -1 if mapped else 10**9)
    with pytest.raises(Problem) as caught:
        Bank.kept(path, ROWS, 7, None)
    assert str(caught.value) == f"{path}: the bank is damaged; run without `--resume`"
