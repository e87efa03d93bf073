"""What a graph cannot hold is switched off while it is traced, and back on after."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn

from sparsify.capture import capture
from sparsify.capture.settle import settled
from sparsify.self_test import self_test
from sparsify.verify import verify

DYNAMIC = {"x": {0: "batch"}}


class Depth(nn.Module):
    """Leaves out its branch for some examples while training, and drops out itself."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        return x * (torch.rand(x.shape[0], 1) > self.rate)


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5))
        self.norm = nn.BatchNorm1d(4)
        self.depth = Depth(0.5)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.norm(x + self.depth(self.inner(x)))
        return found


def test_random_branches_are_found_and_left_out_and_dropout_stays() -> None:
    torch.manual_seed(0)
    model = Residual()
    program = capture(model, {"x": torch.randn(6, 4)}, DYNAMIC)
    assert program.origin.steady == ("depth",)
    assert program.origin.notes == ("random branches are left out of training: depth",)
    verify(program, after="capture")
    program.module.train()
    first, other = program.module(**program.inputs), program.module(**program.inputs)
    assert not torch.equal(first, other)
    assert model.depth.training


def test_norms_over_the_batch_obey_the_mode() -> None:
    torch.manual_seed(0)
    model = Residual()
    model.inner[1].p = 0.0
    program = capture(model, {"x": torch.randn(6, 4)}, DYNAMIC)
    program.module.eval()
    before = model.norm.running_mean
    assert before is not None
    kept = before.clone()
    program.module(x=torch.randn(9, 4))
    assert torch.equal(kept, before)
    torch.testing.assert_close(
        program.module(x=torch.ones(3, 4)), model.eval()(x=torch.ones(3, 4)), atol=1e-6, rtol=0
    )
    program.module.train()
    program.module(x=torch.randn(9, 4))
    assert not torch.equal(kept, before)


def test_settings_come_back_even_after_a_failure() -> None:
    config = SimpleNamespace(use_cache=True, encoder_layerdrop=0.2, mask_time_prob=0.05)
    model = Residual()
    model.config = config  # type: ignore[assignment]
    seen: list[object] = []

    def fail() -> None:
        with settled(model):
            seen.extend(vars(config).values())
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert seen == [False, 0.0, 0.0]
    assert vars(config) == {"use_cache": True, "encoder_layerdrop": 0.2, "mask_time_prob": 0.05}


def test_the_self_test_knows_what_was_left_out() -> None:
    torch.manual_seed(0)
    model = Residual()
    model.norm = nn.Identity()  # type: ignore[assignment]
    found = self_test(model, capture(model, {"x": torch.randn(6, 4)}, DYNAMIC))
    assert found.max_output_difference == found.max_gradient_difference == 0.0
