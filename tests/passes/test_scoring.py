"""Pruning by what calibration measures equals the same done by hand on the eager model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from pydantic import ValidationError

from passes.insert_masks import InsertMasks
from passes.prune import Prune
from sparsify.errors import Problem
from sparsify.pipeline import apply
from sparsify.program import Program
from tests.sparsify.programs import calibrated, model, ran

UP = "bert.encoder.layer.0.intermediate.dense.weight"
DOWN = "bert.encoder.layer.0.output.dense.weight"


def prune(**options: Any) -> Prune:
    return Prune.model_validate({"sparsity": 0.5, **options})


def pruned(**options: Any) -> Program:
    found = calibrated(ran("bert", InsertMasks()))
    found.module.train()
    apply([prune(**options)], found)
    assert found.module.training
    assert all(part.training for part in found.module.modules())
    return found


def test_wanda_keeps_for_every_output_the_weights_of_the_largest_product() -> None:
    found = pruned(criterion="wanda", scope="row")
    module = model("bert").eval()
    seen: list[torch.Tensor] = []
    mask = torch.empty(0)
    linear = module.get_submodule(DOWN.removesuffix(".weight"))
    linear.register_forward_pre_hook(lambda _m, given: seen.append(given[0].detach()[mask]))
    for batch in found.samples:
        given = {name: value for name, value in batch.items() if name != "labels"}
        mask = given["attention_mask"].bool()
        module(**given)
    norms = np.linalg.norm(torch.cat(seen).double().numpy(), axis=0)
    scores = np.abs(module.get_parameter(DOWN).detach().double().numpy()) * norms
    kept = found.masks()[DOWN].numpy()
    for row in range(len(scores)):
        largest = set(np.argsort(scores[row])[32:].tolist())
        assert set(np.flatnonzero(kept[row]).tolist()) == largest


def test_every_row_reaches_the_sparsity() -> None:
    found = pruned(criterion="wanda", scope="row", sparsity=0.25)
    for mask in found.masks().values():
        zeros = (mask == 0).sum(1)
        assert torch.equal(zeros, torch.full_like(zeros, mask.shape[1] // 4))


def test_wanda_with_two_of_four() -> None:
    found = pruned(criterion="wanda", pattern="n-of-m", scope="row")
    for mask in found.masks().values():
        assert torch.equal(mask.unflatten(1, (-1, 4)).sum(2).unique(), torch.tensor([2.0]))


def test_taylor_prunes_by_the_gradient_of_the_mean_loss() -> None:
    found = pruned(criterion="taylor")
    module = model("bert").eval()
    losses = []
    for batch in found.samples:
        given = {name: value for name, value in batch.items() if name != "labels"}
        losses.append(F.cross_entropy(module(**given).logits, batch["labels"], reduction="none"))
    weight = module.get_parameter(UP)
    (gradient,) = torch.autograd.grad(torch.cat(losses).mean(), [weight])
    scores = (weight * gradient).abs().detach()
    mask = found.masks()[UP]
    assert float(scores[mask == 0].max()) <= float(scores[mask == 1].min()) * (1 + 1e-4)
    assert int((mask == 0).sum()) == mask.numel() // 2


def test_heads_are_pruned_by_the_gradients_of_their_masks() -> None:
    """The eager model with a factor on what each head hands to its output product."""
    found = pruned(criterion="first-order", pattern="head", scope="global", sparsity=0.25)
    module = model("bert").eval()
    masks = torch.ones(2, 2, requires_grad=True)

    def hook(layer: int) -> Any:
        return lambda _m, given: (given[0] * masks[layer].repeat_interleave(16),)

    for layer in range(2):
        output = module.get_submodule(f"bert.encoder.layer.{layer}.attention.output.dense")
        output.register_forward_pre_hook(hook(layer))
    total = torch.zeros(2, 2)
    for batch in found.samples:
        for row in range(len(batch["labels"])):
            given = {name: value[row : row + 1] for name, value in batch.items()}
            labels = given.pop("labels")
            loss = F.cross_entropy(module(**given).logits, labels)
            total += torch.autograd.grad(loss, [masks])[0].abs()
    scores = total / total.norm(dim=1, keepdim=True)
    layer, head = divmod(int(scores.argmin()), 2)
    for other in range(2):
        output = f"bert.encoder.layer.{other}.attention.output.dense.weight"
        gone = (found.masks()[output] == 0).all(0).view(2, 16).all(1)
        assert gone.tolist() == [other == layer and head == i for i in (0, 1)]


def test_random_masks_of_like_weights_differ_and_grow() -> None:
    half, most = pruned(criterion="random"), pruned(criterion="random", sparsity=0.75)
    names = [name for name in half.masks() if "query" in name]
    assert not torch.equal(half.masks()[names[0]], half.masks()[names[1]])
    for name, mask in most.masks().items():
        assert not (mask * (1 - half.masks()[name])).any()


def test_a_gradual_pass_measures_at_every_update() -> None:
    found = pruned(criterion="wanda", schedule="cubic")
    (duty,) = found.plan.duties
    duty.rehearse()
    once = pruned(criterion="wanda")
    for name, mask in found.masks().items():
        assert torch.equal(mask, once.masks()[name])


@pytest.mark.parametrize("criterion", ["wanda", "taylor"])
def test_no_samples_is_a_mistake(criterion: str) -> None:
    with pytest.raises(Problem) as caught:
        ran("bert", InsertMasks(), prune(criterion=criterion))
    assert str(caught.value) == (
        "passes[1]: there is nothing to calibrate on; set data.train=FILE, of which the first "
        "`data.calibration_rows` are used; in Python give `calibration`"
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"criterion": "magnitude", "pattern": "head", "scope": "row"},
         "Value error, a head has no rows; set `scope: weight` or `global`"),
        ({"criterion": "first-order"},
         "Value error, first-order is for units; set `pattern: head` or `neuron`"),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        prune(**options)
    assert caught.value.errors()[0]["msg"] == said
