"""What a program answers on its samples when some of its weights have changed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from statistics import fmean

import torch.nn.functional as F
from torch import Tensor

from sparsify.analysis.products import products
from sparsify.program import Program
from sparsify.statistics.samples import LABELS, samples
from sparsify.statistics.wave import Wave
from sparsify.taps import tap
from sparsify.task_loss import task_loss


@dataclass(frozen=True)
class Reply:
    """How far the outputs are from the dense ones, and what that means for the task."""

    divergence: float
    loss: float | None
    accuracy: float | None


class Replies:
    """Answers on all samples; what comes before the first change is computed once.

    Ask in the order of the graph: a change that comes before the one asked for last starts anew.
    The program is put into evaluation mode and stays in it.

    Raises:
        Problem: there are no samples.
    """

    def __init__(self, program: Program, *, regression: bool) -> None:
        self.program, self.regression = program, regression
        program.module.eval()
        self.batches = samples(program)
        self.logits = tap(program, "logits")
        self.places: dict[str, int] = {}
        self._wave = Wave(program, self.batches)
        for use in products(program):
            if use.node in self._wave.place_of:
                place = self._wave.place_of[use.node]
                self.places[use.weight] = min(place, self.places.get(use.weight, place))
        self.labels = [batch[LABELS] for batch in self.batches if LABELS in batch]
        self.rows = sum(len(next(iter(batch.values()))) for batch in self.batches)
        self._expected = self._outputs(())
        self.dense = self._reply(self._expected)

    def of(self, changed: Collection[str]) -> Reply:
        """The answers now that the weights `changed` are other ones."""
        return self._reply(self._outputs(changed))

    def _outputs(self, changed: Collection[str]) -> list[Tensor]:
        """The logits, f[batch, ...] for each batch of samples."""
        first = min((self.places.get(name, 0) for name in changed), default=0)
        if first < self._wave.place:
            self._wave = Wave(self.program, self.batches)
        if self._wave.shares:
            # with what was changed by now, but nothing of that has been reached yet
            self._wave.advance(first)
        branch = self._wave.fork()
        branch.advance(len(branch.nodes))
        return [values[self.logits].float() for values in branch.batches]

    def _reply(self, outputs: list[Tensor]) -> Reply:
        pairs = list(zip(self._expected, outputs, strict=True))
        sizes = [len(each) for each in outputs]
        divergence = fmean([self._distance(*pair) for pair in pairs], sizes)
        if len(self.labels) < len(outputs) or outputs[0].ndim != 2:
            return Reply(divergence, None, None)
        told = list(zip(outputs, self.labels, strict=True))
        loss = fmean([float(task_loss(*each)) for each in told], sizes)
        if self.regression:
            return Reply(divergence, loss, None)
        right = [float((each.argmax(-1) == labels).float().mean()) for each, labels in told]
        return Reply(divergence, loss, fmean(right, sizes))

    def _distance(self, dense: Tensor, sparse: Tensor) -> float:
        """KL(dense || sparse): Cai et al. 2020, arXiv:2001.00281, equation 6; or squared change."""
        if self.regression:
            return float((dense - sparse).square().mean())
        first, second = dense.log_softmax(-1).flatten(0, -2), sparse.log_softmax(-1).flatten(0, -2)
        return float(F.kl_div(second, first, log_target=True, reduction="batchmean"))
