"""Attention in the ONNX form that is fastest on a CPU: MatMul, Softmax, MatMul."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import onnx_ir as ir
import torch
from onnxscript import opset18 as op
from onnxscript.function_libs.torch_lib.ops import nn as standard

LOWEST = torch.finfo(torch.float32).min


def translations() -> dict[Callable[..., Any], Callable[..., Any]]:
    """The operations whose ONNX form is ours, as the exporter's `custom_translation_table`."""
    return {torch.ops.aten.scaled_dot_product_attention.default: _attention}


def _attention(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Any:
    """softmax(query key^T * scale + mask) value, for query f32[batch, heads, length, width].

    A forbidden position gets the lowest number instead of minus infinity, as in the models' own
    eager form, so that no guard against rows without any allowed position is needed.
    """
    width = query.shape[-1]
    usual = query.dtype == ir.DataType.FLOAT and len(query.shape) == 4 and isinstance(width, int)
    if is_causal or enable_gqa or not usual:
        return standard.aten_scaled_dot_product_attention(
            query, key, value, attn_mask, dropout_p, is_causal, scale, enable_gqa
        )
    factor = 1 / math.sqrt(width) if scale is None else scale
    scores = op.Mul(op.MatMul(query, op.Transpose(key, perm=[0, 1, 3, 2])), _constant(factor))
    if attn_mask is not None:
        if attn_mask.dtype == ir.DataType.BOOL:
            attn_mask = op.Where(attn_mask, _constant(0.0), _constant(LOWEST))
        scores = op.Add(scores, attn_mask)
    return op.MatMul(op.Softmax(scores, axis=-1), value)


def _constant(number: float) -> Any:
    return op.Constant(value_float=number)
