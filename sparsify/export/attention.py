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
FLOAT, BOOL = ir.DataType.FLOAT, ir.DataType.BOOL


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
    eager form. A query with no allowed position gets zeros, as in torch, if another one has some.
    """
    if not _is_usual(query, key):
        return standard.aten_scaled_dot_product_attention(
            query, key, value, attn_mask, dropout_p, is_causal, scale, enable_gqa
        )
    groups = key.shape[1] if enable_gqa and key.shape[1] != query.shape[1] else None
    factor = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    scores = _product(query, op.Transpose(key, perm=[0, 1, 3, 2]), groups, query.shape[1])
    scores = op.Mul(scores, _constant(factor))
    if is_causal:
        ones = op.Expand(_constant(1.0), op.Shape(scores, start=2))
        scores = op.Where(_cast(op.Trilu(ones, upper=0), BOOL), scores, _constant(LOWEST))
    if attn_mask is None or attn_mask.dtype != BOOL:
        scores = scores if attn_mask is None else op.Add(scores, attn_mask)
        return _product(op.Softmax(scores, axis=-1), value, groups, query.shape[1])
    scores = op.Add(scores, op.Where(attn_mask, _constant(0.0), _constant(LOWEST)))
    mixed = _product(op.Softmax(scores, axis=-1), value, groups, query.shape[1])
    if not _differs_by_query(attn_mask):
        return mixed
    return op.Mul(mixed, op.ReduceMax(_cast(attn_mask, FLOAT), _numbers(-1), keepdims=1))


def _is_usual(query: Any, key: Any) -> bool:
    known = [*key.shape[1:2], *query.shape[1::2]]
    return (
        query.dtype == FLOAT
        and len(query.shape) == len(key.shape) == 4
        and all(isinstance(size, int) for size in known)
    )


def _differs_by_query(mask: Any) -> bool:
    """Whether a mask bool[batch, heads, queries, keys] may forbid one query what another may."""
    while (made := mask.producer()) is not None and made.op_type == "Expand":
        mask = made.inputs[0]
    return mask.shape is None or len(mask.shape) < 2 or mask.shape[-2] != 1


def _product(left: Any, right: Any, groups: int | None, heads: int) -> Any:
    """The product, where `groups` heads of `right` serve all `heads` of `left` in turn."""
    if groups is None:
        return op.MatMul(left, right)
    left = op.Reshape(left, _numbers(0, groups, -1, 0))
    return op.Reshape(op.MatMul(left, right), _numbers(0, heads, -1, 0))


def _constant(number: float) -> Any:
    return op.Constant(value_float=number)


def _numbers(*numbers: int) -> Any:
    return op.Constant(value_ints=list(numbers))


def _cast(value: Any, kind: ir.DataType) -> Any:
    return op.Cast(value, to=kind)
