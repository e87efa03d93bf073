"""Neurons beside Torch-Pruning: the same coupled weights, scores, choice, and smaller layers."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F
import torch_pruning
from torch import Tensor, nn

import sparsify
from passes.insert_masks import InsertMasks
from passes.prune import Prune
from passes.shrink import Shrink
from sparsify.pipeline import apply

WIDTH, INNER, KEPT = 6, 10, 4


class Gated(nn.Module):
    """A gated feed-forward block with a residual, and a classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.gate, self.up = nn.Linear(WIDTH, INNER), nn.Linear(WIDTH, INNER)
        self.down, self.head = nn.Linear(INNER, WIDTH), nn.Linear(WIDTH, 3)

    def forward(self, states: Tensor) -> Tensor:
        inner = F.silu(self.gate(states)) * self.up(states)
        logits: Tensor = self.head(states + self.down(inner))
        return logits


@pytest.fixture
def model() -> Gated:
    torch.manual_seed(0)
    return Gated().eval()


def test_the_same_neurons_of_a_gated_block_are_removed(model: Gated) -> None:
    """Group importance by sums of |w|: Fang et al. 2023, arXiv:2301.12900."""
    theirs, states = copy.deepcopy(model), torch.randn(4, 5, WIDTH)
    graph = torch_pruning.DependencyGraph().build_dependency(theirs, example_inputs=states)
    whole = graph.get_pruning_group(
        theirs.up, torch_pruning.prune_linear_out_channels, list(range(INNER))
    )
    importance = torch_pruning.importance.GroupMagnitudeImportance(
        p=1, group_reduction="sum", normalizer=None
    )
    weakest = importance(whole).argsort()[: INNER - KEPT].tolist()
    graph.get_pruning_group(theirs.up, torch_pruning.prune_linear_out_channels, weakest).prune()

    ours = sparsify.capture(model, (states,))
    sparsity = 1 - KEPT / INNER
    prune = {"criterion": "magnitude", "pattern": "neuron", "targets": ["up.weight"]}
    passes = [Prune.model_validate({"sparsity": sparsity, **prune}), Shrink()]
    apply([InsertMasks(targets=["*"]), *passes], ours)
    for name, expected in theirs.named_parameters():
        assert torch.equal(ours.tensor(name), expected), name
    assert ours.tensor("up.weight").shape == (KEPT, WIDTH)
    torch.testing.assert_close(ours.outputs({"states": states})[0], theirs(states))
