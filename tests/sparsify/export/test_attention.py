"""Attention in ONNX: with every option, the same numbers as in torch."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sparsify.capture import capture
from sparsify.export import emit, inspect_onnx, parity, require
from sparsify.program import Program

HEADS, WIDTH = 6, 4


class Attention(nn.Module):
    """Attention of a signal with itself; two heads of keys where they are shared."""

    def __init__(self, mask: str, *, causal: bool, shared: bool, scale: float | None) -> None:
        super().__init__()
        self.mask, self.causal, self.shared, self.scale = mask, causal, shared, scale

    def forward(self, values: Tensor) -> Tensor:
        """f32[batch, HEADS, sequence, WIDTH] from the same."""
        keys = values[:, :2] if self.shared else values * 2
        places = torch.arange(values.shape[2])
        near = (places[:, None] - places).abs() < 2
        masks = {
            "none": None,
            "bool": near,
            "float": near.float(),
            # the first position may look at nothing
            "bool with an empty row": near & (places[:, None] > 0),
        }
        return F.scaled_dot_product_attention(
            values,
            keys,
            keys + 1,
            masks[self.mask],
            is_causal=self.causal,
            scale=self.scale,
            enable_gqa=self.shared,
        )


def captured(module: nn.Module, dtype: torch.dtype = torch.float32) -> Program:
    values = torch.randn(2, HEADS, 5, WIDTH, dtype=dtype)
    return capture(module, {"values": values}, {"values": {0: "batch", 2: "sequence"}})


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize(
    ("mask", "causal", "scale"),
    [
        ("none", False, None),
        ("none", True, 0.3),
        ("bool", False, None),
        ("bool with an empty row", False, 0.3),
        ("float", False, None),
    ],
)
def test_attention_keeps_its_options(
    mask: str, causal: bool, scale: float | None, shared: bool, tmp_path: Path
) -> None:
    program = captured(Attention(mask, causal=causal, shared=shared, scale=scale))
    emit(program, tmp_path / "model", opset=18)
    require(parity(program, tmp_path / "model", tolerance=1e-5))


def test_shared_keys_are_not_copied(tmp_path: Path) -> None:
    emit(
        captured(Attention("none", causal=False, shared=True, scale=None)),
        tmp_path / "model",
        opset=20,
    )
    nodes = inspect_onnx(tmp_path / "model").nodes
    assert nodes["MatMul"] == 2
    assert "Expand" not in nodes


def test_double_precision_is_left_to_the_exporter(tmp_path: Path) -> None:
    module = Attention("bool", causal=False, shared=False, scale=None)
    program = captured(module, torch.float64)
    emit(program, tmp_path / "model", opset=20)
    require(parity(program, tmp_path / "model", tolerance=1e-5))
