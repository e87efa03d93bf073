"""What an opaque submodule is given, and what it shares, cannot be narrowed."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sparsify.analysis.coupling import structures
from sparsify.capture import capture


class Around(nn.Module):
    """Three layers of neurons: before an opaque submodule, shared with it, and behind it."""

    def __init__(self) -> None:
        super().__init__()
        self.before, self.shared = nn.Linear(4, 6), nn.Linear(6, 6)
        self.inner = nn.Sequential(nn.Tanh(), nn.Linear(6, 6))
        self.inner[1].weight = self.shared.weight
        self.behind, self.head = nn.Linear(6, 8), nn.Linear(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        """f32[batch, tokens, 2] from f32[batch, tokens, 4]."""
        state = self.inner(self.before(x)) + self.shared(
            torch.ones_like(x[..., :1]).expand(2, 3, 6)
        )
        found: Tensor = self.head(torch.relu(self.behind(state)))
        return found


def test_only_what_lies_behind_it_is_free() -> None:
    found = capture(Around(), {"x": torch.randn(2, 3, 4)}, {}, opaque=["inner"])
    assert {each.name: each.frozen for each in structures(found)} == {
        "before.weight": "goes through the opaque submodule inner",
        "shared.weight": "is read inside inner too",
        "behind.weight": "",
        "head.weight": "reaches the output `logits`",
    }
