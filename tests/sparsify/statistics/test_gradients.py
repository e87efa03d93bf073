"""Gradients at samples equal those of the eager model, and a unit's is that of its mask."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import sparsify
from passes.insert_masks import InsertMasks
from sparsify.analysis.structures import Part, Units
from sparsify.errors import Problem
from sparsify.statistics import gradients, mean_gradients, unit_gradients, unmeasured
from tests.sparsify.programs import calibrated, model, program, ran

TOLERANCE = 1e-5
UP = "bert.encoder.layer.0.intermediate.dense.weight"
DOWN = "bert.encoder.layer.0.output.dense.weight"


def test_each_samples_gradient_is_the_eager_models() -> None:
    found = calibrated(program("bert"))
    module = model("bert").eval()
    weights = [module.get_parameter(name) for name in (UP, DOWN)]
    numbers = gradients(found, [UP, DOWN])
    for batch in found.samples:
        for row in range(4):
            given = {name: value[row : row + 1] for name, value in batch.items()}
            labels = given.pop("labels")
            loss = F.cross_entropy(module(**given).logits, labels)
            expected = torch.autograd.grad(loss, weights)
            torch.testing.assert_close(next(numbers), list(expected), rtol=0, atol=TOLERANCE)
    assert next(numbers, None) is None


def test_the_mean_gradient_is_that_of_the_mean_loss() -> None:
    found = calibrated(program("bert"))
    module = model("bert").eval()
    losses = []
    for batch in found.samples:
        given = {name: value for name, value in batch.items() if name != "labels"}
        logits = module(**given).logits
        losses.append(F.cross_entropy(logits, batch["labels"], reduction="none"))
    (expected,) = torch.autograd.grad(torch.cat(losses).mean(), [module.get_parameter(UP)])
    torch.testing.assert_close(mean_gradients(found, [UP])[UP], expected, rtol=0, atol=TOLERANCE)


def test_a_neurons_gradient_is_that_of_a_mask_on_its_activation() -> None:
    found = calibrated(ran("bert", InsertMasks()), count=6, batch=3)
    size = found.tensor(UP).shape[0]
    each = np.arange(size)[:, None]
    units = Units((Part(UP, 0, False, each), Part(DOWN, 1, True, each)))
    values = unit_gradients(found, [units])
    assert values.shape == (6, size)

    module = model("bert").eval()
    mask = torch.ones(size, requires_grad=True)
    down = module.get_submodule(DOWN.removesuffix(".weight"))
    down.register_forward_pre_hook(lambda _module, given: (given[0] * mask,))
    row = 0
    for batch in found.samples:
        for place in range(3):
            given = {name: value[place : place + 1] for name, value in batch.items()}
            labels = given.pop("labels")
            loss = F.cross_entropy(module(**given).logits, labels)
            (expected,) = torch.autograd.grad(loss, [mask])
            torch.testing.assert_close(values[row], expected, rtol=0, atol=TOLERANCE)
            row += 1


def test_masks_are_as_they_were() -> None:
    found = calibrated(ran("bert", InsertMasks()), count=2, batch=2)
    name = f"{UP}_mask"
    ((gradient,),) = zip(*list(gradients(found, [name]))[:1], strict=True)
    assert gradient.shape == found.tensor(UP).shape
    assert not found.tensor(name).requires_grad


def test_no_labels_is_a_mistake() -> None:
    found = calibrated(program("bert"))
    found.samples = tuple(
        {name: value for name, value in batch.items() if name != "labels"}
        for batch in found.samples
    )
    with pytest.raises(Problem) as caught:
        mean_gradients(found, [UP])
    assert str(caught.value) == "calibrating by gradients needs labels; set data.label=COLUMN"


class Einsum(nn.Module):
    """Two layers, of which the second reads the first by an einsum, and a linear reads both."""

    def __init__(self) -> None:
        super().__init__()
        self.up, self.head = nn.Linear(3, 4), nn.Linear(5, 2)
        self.down = nn.Parameter(torch.randn(4, 5))
        self.scale = torch.ones(4), torch.ones(5)

    def forward(self, states: Tensor) -> Tensor:
        inner = torch.relu(self.up(states)) * self.scale[0]
        outer = torch.einsum("bi,io->bo", inner, self.down) * self.scale[1]
        logits: Tensor = self.head(outer)
        return logits


def test_weights_of_other_products_and_of_rows_are_measured_together() -> None:
    torch.manual_seed(0)
    module, states, labels = Einsum().eval(), torch.randn(6, 3), torch.arange(6) % 2
    found = sparsify.capture(module, (states,))
    found.samples = ({"states": states, "labels": labels},)
    assert unmeasured(found, ["down", "head.weight"]).keys() == {"down"}
    inner, outer = (
        Units((Part(name, axis, True, np.arange(size)[:, None]),))
        for name, axis, size in (("down", 0, 4), ("head.weight", 1, 5))
    )
    values = unit_gradients(found, [inner, outer])
    module.scale = tuple(each.requires_grad_() for each in module.scale)
    for row in range(6):
        loss = F.cross_entropy(module(states[row : row + 1]), labels[row : row + 1])
        expected = torch.cat(torch.autograd.grad(loss, module.scale))
        torch.testing.assert_close(values[row], expected, rtol=0, atol=TOLERANCE)
    assert all(parameter.requires_grad for parameter in module.parameters())


def test_gradients_in_half_precision_are_near_those_in_full() -> None:
    torch.manual_seed(0)
    states, labels = torch.randn(6, 3), torch.arange(6) % 2
    each = Units((Part("head.weight", 1, True, np.arange(5)[:, None]),))
    values = []
    for kind in (torch.float32, torch.bfloat16):
        torch.manual_seed(0)
        module = Einsum().to(kind)
        module.scale = tuple(scale.to(kind) for scale in module.scale)
        found = sparsify.capture(module, (states.to(kind),))
        found.samples = ({"states": states.to(kind), "labels": labels},)
        values.append(unit_gradients(found, [each]))
    assert values[1].dtype is torch.float32
    torch.testing.assert_close(values[1], values[0], rtol=0.1, atol=0.02)
