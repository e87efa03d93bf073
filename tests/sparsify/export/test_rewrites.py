"""Calls that the exporter cannot translate, and what they become."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from sparsify.capture import capture
from sparsify.export import emit, inspect_onnx, parity, require


class Inverted(nn.Module):
    """number - integers: what an attention mask goes through."""

    def __init__(self, number: float) -> None:
        super().__init__()
        self.number = number

    def forward(self, values: Tensor) -> Tensor:
        return self.number - values


@pytest.mark.parametrize("number", [1.0, 1])
@pytest.mark.parametrize("values", [torch.tensor([[0, 1, 1]] * 2), torch.randn(2, 3)])
def test_a_number_minus_a_tensor(number: float, values: Tensor, tmp_path: Path) -> None:
    program = capture(Inverted(number), {"values": values}, {"values": {0: "batch"}})
    (expected,) = program.outputs()
    emit(program, tmp_path / "model", opset=20)
    assert require(parity(program, tmp_path / "model")).max_abs_difference == 0
    assert torch.equal(program.outputs()[0], expected)


class Masked(nn.Module):
    """Attention under what a model writes for `every query may see what is no padding`."""

    def __init__(self, first: int) -> None:
        super().__init__()
        self.first = first

    def forward(self, values: Tensor, attention_mask: Tensor) -> Tensor:
        """f32[batch, 1, sequence, 4] from the same and i64[batch, sequence]."""
        places = torch.arange(values.shape[2])
        queries = places.new_ones((), dtype=torch.bool) & (
            places[None, None, :, None] >= self.first
        )
        mask = queries & attention_mask[:, None, None, :].bool()
        return nn.functional.scaled_dot_product_attention(values, values, values, mask)


@pytest.mark.parametrize(("first", "guarded"), [(0, False), (1, True)])
def test_a_mask_that_is_every_querys_needs_no_guard(
    first: int, guarded: bool, tmp_path: Path
) -> None:
    inputs = {
        "values": torch.randn(2, 1, 5, 4),
        "attention_mask": torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]]),
    }
    dynamic = {"values": {0: "batch", 2: "sequence"}, "attention_mask": {0: "batch", 1: "sequence"}}
    program = capture(Masked(first), inputs, dynamic)
    emit(program, tmp_path / "model", opset=20)
    assert ("ReduceMax" in inspect_onnx(tmp_path / "model").nodes) == guarded
    require(parity(program, tmp_path / "model", tolerance=1e-5))


class Unmasked(nn.Module):
    """Attention under the mask that a model makes where nothing is padding."""

    def __init__(self, first: int) -> None:
        super().__init__()
        self.first = first

    def forward(self, values: Tensor) -> Tensor:
        """f32[batch, 1, 5, 4] from the same."""
        allowed = (torch.arange(5) >= self.first)[None, None, :, None]
        mask = allowed.expand(values.shape[0], -1, 5, 5)
        return nn.functional.scaled_dot_product_attention(values, values, values, attn_mask=mask)


@pytest.mark.parametrize(("first", "masked"), [(0, False), (1, True)])
def test_a_mask_that_allows_everything_is_left_out(
    first: int, masked: bool, tmp_path: Path
) -> None:
    inputs = {"values": torch.randn(2, 1, 5, 4)}
    program = capture(Unmasked(first), inputs, {"values": {0: "batch"}})
    emit(program, tmp_path / "model", opset=20)
    nodes = inspect_onnx(tmp_path / "model").nodes
    assert ("Add" in nodes, "ReduceMax" in nodes) == (masked, masked)
    require(parity(program, tmp_path / "model", tolerance=1e-5))


class Viewed(nn.Module):
    """Attention whose heads are put together by `view`, which takes torch's fast layout alone."""

    def forward(self, values: Tensor) -> Tensor:
        """f32[batch, sequence, 8] from the same."""
        batch, length, _ = values.shape
        heads = values.view(batch, length, 2, 4).transpose(1, 2)
        mixed = nn.functional.scaled_dot_product_attention(heads, heads, heads)
        return mixed.transpose(1, 2).view(batch, length, 8)


def test_a_view_of_what_attention_gives(tmp_path: Path) -> None:
    dynamic = {"values": {0: "batch", 1: "sequence"}}
    program = capture(Viewed(), {"values": torch.randn(3, 5, 8)}, dynamic)
    emit(program, tmp_path / "model", opset=20)
    require(parity(program, tmp_path / "model", tolerance=1e-5))
