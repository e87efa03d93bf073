"""What duties share that raise the sparsity of some weights while these are trained."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from sparsify.plan import Duty, Run


class Raising(Duty):
    """A duty whose sparsity rises; checkpoints hold it, and logs tell it."""

    sparsity: float = 0.0
    """The share of zeros that the masks were last written for, 0 to 1."""

    def state(self) -> dict[str, Tensor]:
        return {"sparsity": torch.tensor(self.sparsity, dtype=torch.float64)}

    def restore(self, run: Run, state: Mapping[str, Tensor], step: int) -> None:
        self.sparsity = float(state["sparsity"])

    def facts(self) -> dict[str, float]:
        return {"sparsity_fraction": self.sparsity}
