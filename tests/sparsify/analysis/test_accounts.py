"""Every parameter of a model can be pruned, or has a reason why not."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from sparsify.analysis.accounts import PRUNABLE, accounts
from sparsify.capture import capture
from tests.sparsify.analysis.architectures import captured, program

SOME = ("bert / masked-lm", "xlnet / sequence-classification", "t5 / seq2seq-lm",
        "swin / image-classification", "wav2vec2 / audio-classification", "mixtral / causal-lm",
        "clip / no-head", "own / nn.MultiheadAttention")  # fmt: skip


@pytest.mark.parametrize("name", SOME)
def test_every_parameter_is_accounted_for(name: str) -> None:
    model, found = captured(name)
    reasons = accounts(found)
    assert reasons.keys() == dict(model.named_parameters()).keys()
    assert all(reasons.values())
    assert PRUNABLE in reasons.values()


@pytest.mark.parametrize(
    ("name", "parameter", "reason"),
    [
        ("xlnet / sequence-classification", "transformer.mask_emb", "not read by forward"),
        ("xlnet / sequence-classification", "transformer.layer.0.rel_attn.r_w_bias",
         "added element by element, as a bias"),
        ("wav2vec2 / audio-classification",
         "wav2vec2.encoder.pos_conv_embed.conv.parametrizations.weight.original1",
         "a weight is computed from it and others"),
        ("swin / image-classification", "swin.embeddings.norm.weight",
         "the scale of a normalisation"),
        ("swin / image-classification", "swin.embeddings.norm.bias",
         "the shift of a normalisation"),
        ("t5 / seq2seq-lm", "encoder.final_layer_norm.weight",
         "multiplied element by element, as a scale"),
        ("bert / masked-lm", "bert.embeddings.position_embeddings.weight",
         "a table that is looked up by index"),
        ("bert / masked-lm", "cls.predictions.transform.dense.bias", "a bias"),
        ("mixtral / causal-lm", "model.layers.0.mlp.experts.down_proj", PRUNABLE),
    ],
)  # fmt: skip
def test_the_reason_says_what_reads_it(name: str, parameter: str, reason: str) -> None:
    assert accounts(program(name))[parameter] == reason


class Odd(nn.Module):
    """Parameters that are read in every way that is no product."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Parameter(torch.randn(1, 1, 4))
        self.places = nn.Parameter(torch.randn(1, 4, 4))
        self.outer = nn.Parameter(torch.randn(3, 3))
        self.idle = nn.Parameter(torch.randn(4))
        self.inner = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        """f32[batch, 4, 3] from f32[batch, 3, 4]."""
        x = torch.cat([self.first.expand(x.shape[0], -1, -1), x], 1) + self.places
        found: Tensor = self.inner(x)
        return torch.maximum(found, self.outer.sum(0))


def test_what_is_joined_added_or_read_by_something_else_is_named() -> None:
    found = capture(Odd(), {"x": torch.randn(2, 3, 4)}, {"x": {0: "batch"}})
    assert accounts(found) == {
        "first": "joined to every example as it is",
        "places": "added as it is to every example",
        "outer": "read by `aten.maximum.default`, which is no product",
        "inner.weight": PRUNABLE,
        "inner.bias": "a bias",
        "idle": "not read by forward",
    }


class Returned(nn.Module):
    """A parameter that is an output by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.randn(3, 3))
        self.inner = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.inner(x), self.scale


def test_a_parameter_that_is_returned_has_a_reason() -> None:
    found = capture(Returned(), {"x": torch.randn(2, 4)}, {"x": {0: "batch"}})
    assert accounts(found)["scale"] == "returned as it is"


def test_what_is_inside_an_opaque_submodule_is_named_with_it() -> None:
    found = capture(Returned(), {"x": torch.randn(2, 4)}, {"x": {0: "batch"}}, opaque=["inner"])
    assert accounts(found) == {
        "scale": "returned as it is",
        "inner.weight": "inside the opaque submodule inner",
        "inner.bias": "inside the opaque submodule inner",
    }
