"""Losses equal their definitions, computed by hand in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import log_softmax, softmax

from sparsify.kinds import loss

SHAPES = ((6, 4), (6, 3, 4))


def logits(seed: int, *shape: int) -> torch.Tensor:
    return 3 * torch.randn(*(shape or (6, 4)), generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0, 8.0])
def test_kl_is_the_divergence_times_the_temperature_squared(
    temperature: float, shape: tuple[int, ...]
) -> None:
    student, teacher = logits(0, *shape), logits(1, *shape)
    found = loss.choose("kl", temperature=temperature)(student=student, teacher=teacher)
    p = softmax(teacher.double().numpy() / temperature, axis=-1)
    q = softmax(student.double().numpy() / temperature, axis=-1)
    expected = temperature**2 * (p * np.log(p / q)).sum(axis=-1).mean()
    assert float(found) == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize("name", sorted(loss.members.keys() - {"soft-cross-entropy"}))
def test_of_equals_it_is_zero_and_so_is_its_gradient(name: str) -> None:
    student = logits(0).requires_grad_()
    found = loss.choose(name)(student=student, teacher=student.detach())
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


@pytest.mark.parametrize("temperature", [1.0, 2.0])
def test_soft_cross_entropy_is_the_mean_over_rows_and_classes(temperature: float) -> None:
    student, teacher = logits(0), logits(1)
    found = loss.choose("soft-cross-entropy", temperature=temperature)
    p = softmax(teacher.double().numpy() / temperature, axis=-1)
    log_q = log_softmax(student.double().numpy() / temperature, axis=-1)
    expected = -(p * log_q).mean()
    assert float(found(student=student, teacher=teacher)) == pytest.approx(expected, rel=1e-6)


def test_soft_cross_entropy_has_the_gradient_of_kl_over_the_classes() -> None:
    def gradient(name: str) -> torch.Tensor:
        student = logits(0).requires_grad_()
        chosen = loss.choose(name, temperature=2.0)
        (found,) = torch.autograd.grad(chosen(student=student, teacher=logits(1)), [student])
        return found

    torch.testing.assert_close(gradient("soft-cross-entropy"), gradient("kl") / 4 / 2.0**2)


def test_mse_is_the_mean_of_squares() -> None:
    student, teacher = logits(0), logits(1)
    expected = np.square(student.double().numpy() - teacher.double().numpy()).mean()
    found = loss.choose("mse")(student=student, teacher=teacher)
    assert float(found) == pytest.approx(float(expected), rel=1e-6)


def test_normalized_mse_does_not_see_the_scale_of_the_layer() -> None:
    student, teacher = logits(0, 5, 7), logits(1, 5, 7)
    s, t = student.double().numpy(), teacher.double().numpy()
    chosen = loss.choose("normalized-mse")
    expected = np.square(s - t).mean() / np.square(t).mean()
    assert float(chosen(student=student, teacher=teacher)) == pytest.approx(expected, rel=1e-5)
    assert float(chosen(student=100 * student, teacher=100 * teacher)) == pytest.approx(
        expected, rel=1e-5
    )


def test_cosine_is_one_less_the_mean_cosine_of_the_rows() -> None:
    student, teacher = logits(0, 5, 7), logits(1, 5, 7)
    s, t = student.double().numpy(), teacher.double().numpy()
    cosines = (s * t).sum(-1) / np.linalg.norm(s, axis=-1) / np.linalg.norm(t, axis=-1)
    found = loss.choose("cosine")(student=student, teacher=teacher)
    assert float(found) == pytest.approx(1 - cosines.mean(), rel=1e-5)
