"""The contrastive loss equals a replica that was written apart, in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from passes.info_nce import Normalizer, info_nce


def replica(
    anchors: Tensor,
    candidates: Tensor,
    positives: Tensor,
    excluded: Tensor,
    temperature: float,
    normalizer: str,
) -> float:
    """Loop by loop: arXiv:2112.07198, equation 1."""
    z, c = anchors.double().numpy(), candidates.double().numpy()
    total, pairs, counted = 0.0, 0, 0
    for i in range(len(z)):
        scores = {k: float(z[i] @ c[k]) / temperature for k in range(len(c)) if not excluded[i, k]}
        below = sum(np.exp(score) for score in scores.values())
        mine = [k for k in range(len(c)) if positives[i, k]]
        if mine:
            total += -sum(np.log(np.exp(scores[k]) / below) for k in mine) / len(mine)
            pairs, counted = pairs + len(mine), counted + 1
    return total / max(pairs if normalizer == "code" else counted, 1)


def case(seed: int = 0) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Five anchors, which are candidates themselves, and nine more; the last has no positive."""
    random = torch.Generator().manual_seed(seed)
    anchors = F.normalize(torch.randn(5, 8, generator=random), dim=-1)
    others = F.normalize(torch.randn(9, 8, generator=random), dim=-1)
    itself = torch.zeros(5, 14, dtype=torch.bool)
    itself[:, :5].fill_diagonal_(True)
    positives = (torch.rand(5, 14, generator=random) > 0.6) & ~itself
    positives[-1] = False
    return anchors, torch.cat([anchors, others]), positives, itself


@pytest.mark.parametrize("normalizer", ["equation", "code"])
@pytest.mark.parametrize("temperature", [0.1, 1.0])
@pytest.mark.parametrize("seed", range(4))
def test_it_equals_a_replica(normalizer: Normalizer, temperature: float, seed: int) -> None:
    given = case(seed)
    found = info_nce(*given, temperature=temperature, normalizer=normalizer)
    assert float(found) == pytest.approx(replica(*given, temperature, normalizer), rel=1e-5)


def test_the_two_normalizers_differ_by_the_positives_of_an_anchor() -> None:
    anchors, candidates, positives, itself = case()
    positives[:] = ~itself
    equation, code = (
        float(info_nce(anchors, candidates, positives, itself, temperature=0.1, normalizer=name))
        for name in ("equation", "code")
    )
    assert equation == pytest.approx(13 * code)


def test_what_is_excluded_does_not_matter() -> None:
    anchors, candidates, positives, itself = case()
    excluded = itself.clone()
    excluded[:, 7] = True
    positives[:, 7] = False
    options = {"temperature": 0.1, "normalizer": "equation"}
    first = info_nce(anchors, candidates, positives, excluded, **options)  # type: ignore[arg-type]
    changed = candidates.clone()
    changed[7] = -changed[7]
    assert first == info_nce(anchors, changed, positives, excluded, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("normalizer", ["equation", "code"])
def test_without_positives_the_loss_and_its_gradient_are_zero(normalizer: Normalizer) -> None:
    anchors, candidates, positives, itself = case()
    anchors.requires_grad_()
    none = torch.zeros_like(positives)
    found = info_nce(anchors, candidates, none, itself, temperature=0.1, normalizer=normalizer)
    found.backward()
    assert float(found) == 0
    assert anchors.grad is not None
    assert not anchors.grad.any()


def test_it_falls_when_an_anchor_moves_to_its_positives() -> None:
    anchors, candidates, positives, itself = case()
    anchors.requires_grad_()
    found = info_nce(anchors, candidates, positives, itself, temperature=0.1, normalizer="equation")
    found.backward()
    assert anchors.grad is not None
    assert bool(anchors.grad.isfinite().all())
    moved = (anchors - 0.01 * anchors.grad).detach()
    after = info_nce(moved, candidates, positives, itself, temperature=0.1, normalizer="equation")
    assert after < found
