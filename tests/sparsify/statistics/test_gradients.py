"""Gradients at samples equal those of the eager model, and a unit's is that of its mask."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from passes.insert_masks import InsertMasks
from sparsify.analysis.structures import Part, Units
from sparsify.errors import Problem
from sparsify.statistics import gradients, mean_gradients, unit_gradients
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
