"""Goldens of the text of programs."""

from __future__ import annotations

import pytest
import torch
from expecttest import assert_expected_inline
from torch import Tensor, nn

from passes.insert_masks import InsertMasks
from passes.prune import Prune
from sparsify.kinds import criterion
from sparsify.pipeline import apply
from sparsify.text import to_text
from tests.sparsify.programs import EVERY, Toy, captured, model, pair, program, ran

MAGNITUDE = criterion.choose("magnitude")


def test_a_fresh_capture() -> None:
    assert_expected_inline(
        to_text(program(Toy)),
        """\
program(%input_ids: i64[batch,sequence])
  %embedding : f32[batch,sequence,4] = embedding(@words.weight, %input_ids)
  %linear    : f32[batch,sequence,4] = linear(%embedding, @inner.weight, @inner.bias)
  %relu      : f32[batch,sequence,4] = relu(%linear)
  %slice_1   : f32[batch,sequence,4] = slice(%relu, 0, 0, 9223372036854775807)
  %select    : f32[batch,4]          = select(%slice_1, 1, 0)
  %dropout_0 : f32[batch,4]          = dropout_0(%select)
  %linear_1  : f32[batch,2]          = linear(%dropout_0, @head.weight, @head.bias)
  return [%linear_1]""",
    )


def test_masked_and_pruned() -> None:
    masked = ran(Toy, InsertMasks(targets=["body", "head"]))
    assert_expected_inline(
        to_text(masked),
        """\
program(%input_ids: i64[batch,sequence])
  %masked    : f32[4,4]              = mul(@inner.weight, @inner.weight_mask)  # 0.0% zero
  %masked_1  : f32[2,4]              = mul(@head.weight, @head.weight_mask)  # 0.0% zero
  %embedding : f32[batch,sequence,4] = embedding(@words.weight, %input_ids)
  %linear    : f32[batch,sequence,4] = linear(%embedding, %masked, @inner.bias)
  %relu      : f32[batch,sequence,4] = relu(%linear)
  %slice_1   : f32[batch,sequence,4] = slice(%relu, 0, 0, 9223372036854775807)
  %select    : f32[batch,4]          = select(%slice_1, 1, 0)
  %dropout_0 : f32[batch,4]          = dropout_0(%select)
  %linear_1  : f32[batch,2]          = linear(%dropout_0, %masked_1, @head.bias)
  return [%linear_1]""",
    )
    apply([Prune(criterion=MAGNITUDE, sparsity=0.5, targets=["inner.weight"])], masked)
    assert_expected_inline(
        to_text(masked),
        """\
program(%input_ids: i64[batch,sequence])
  %masked    : f32[4,4]              = mul(@inner.weight, @inner.weight_mask)  # 50.0% zero
  %masked_1  : f32[2,4]              = mul(@head.weight, @head.weight_mask)  # 0.0% zero
  %embedding : f32[batch,sequence,4] = embedding(@words.weight, %input_ids)
  %linear    : f32[batch,sequence,4] = linear(%embedding, %masked, @inner.bias)
  %relu      : f32[batch,sequence,4] = relu(%linear)
  %slice_1   : f32[batch,sequence,4] = slice(%relu, 0, 0, 9223372036854775807)
  %select    : f32[batch,4]          = select(%slice_1, 1, 0)
  %dropout_0 : f32[batch,4]          = dropout_0(%select)
  %linear_1  : f32[batch,2]          = linear(%dropout_0, %masked_1, @head.bias)
  return [%linear_1]""",
    )


class Joined(nn.Module):
    """Sizes that are no input's, a half-precision value, and two results."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        flat = self.inner(x).flatten(0, 1)
        return flat.half(), (flat > 0).sum()


def test_sizes_types_and_several_results() -> None:
    from sparsify.capture import capture

    found = capture(Joined(), {"x": torch.randn(2, 3, 4)}, {"x": {0: "batch", 1: "sequence"}})
    assert_expected_inline(
        to_text(found),
        """\
program(%x: f32[batch,sequence,4])
  %linear  : f32[batch,sequence,4] = linear(%x, @inner.weight, @inner.bias)
  %flatten : f32[d2,4]             = flatten(%linear, 0, 1)
  %to      : f16[d2,4]             = to(%flatten, torch.float16)
  %gt      : b8[d2,4]              = gt(%flatten, 0)
  %sum_1   : i64[]                 = sum(%gt)
  return [%to, %sum_1]""",
    )


@pytest.mark.parametrize("kind", ["bert", "plain"])
def test_two_captures_have_the_same_text(kind: str) -> None:
    assert to_text(captured(model(kind))) == to_text(pair(kind)[1])


@pytest.mark.parametrize("kind", EVERY)
def test_every_call_has_a_known_type(kind: str) -> None:
    text = to_text(pair(kind)[1])
    assert " : ? " not in text
    assert text.startswith("program(%input_ids: i64[batch,sequence], ")
