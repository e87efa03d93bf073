"""Losses equal their definitions, computed by hand in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import softmax

from sparsify.kinds import loss


def logits(seed: int) -> torch.Tensor:
    return 3 * torch.randn(6, 4, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0, 8.0])
def test_kl_is_the_divergence_times_the_temperature_squared(temperature: float) -> None:
    student, teacher = logits(0), logits(1)
    found = loss.choose("kl", temperature=temperature)(student=student, teacher=teacher)
    p = softmax(teacher.double().numpy() / temperature, axis=-1)
    q = softmax(student.double().numpy() / temperature, axis=-1)
    expected = temperature**2 * (p * np.log(p / q)).sum(axis=-1).mean()
    assert float(found) == pytest.approx(float(expected), rel=1e-5)


def test_kl_of_equals_is_zero_and_so_is_its_gradient() -> None:
    student = logits(0).requires_grad_()
    found = loss.choose("kl")(student=student, teacher=student.detach())
    found.backward()
    assert float(found.detach()) == pytest.approx(0, abs=1e-6)
    assert student.grad is not None
    assert float(student.grad.abs().max()) < 1e-6


def test_kl_has_a_gradient_whose_size_the_temperature_hardly_changes() -> None:
    sizes = []
    for temperature in (50.0, 100.0):
        student = logits(0).requires_grad_()
        loss.choose("kl", temperature=temperature)(student=student, teacher=logits(1)).backward()
        assert student.grad is not None
        sizes.append(float(student.grad.norm()))
    assert sizes[0] == pytest.approx(sizes[1], rel=0.05)


def test_mse_is_the_mean_of_squares() -> None:
    student, teacher = logits(0), logits(1)
    expected = np.square(student.double().numpy() - teacher.double().numpy()).mean()
    found = loss.choose("mse")(student=student, teacher=teacher)
    assert float(found) == pytest.approx(float(expected), rel=1e-6)
