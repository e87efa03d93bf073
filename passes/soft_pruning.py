"""What `soft-prune` owes training: scores, their regularisation, and masks by a threshold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from passes.gradual_pruning import first_scores
from passes.raising import Raising
from passes.ramp import progress
from passes.ranking import keep_largest
from sparsify.plan import Learned, Moment, Run
from sparsify.program import MASK, Program
from sparsify.zeros import zero_count

if TYPE_CHECKING:
    from passes.soft_prune import SoftPrune


class SoftPruning(Raising):
    """Raises the threshold that the scores of some weights are held to while they are trained."""

    name = "soft-prune"

    def __init__(self, settings: SoftPrune, program: Program, weights: list[str]) -> None:
        self.settings = settings
        self.program = program
        self.covers = tuple(weights)
        self.scores = {
            name: nn.Parameter(first_scores(program.tensor(name).detach(), settings.scores.start))
            for name in weights
        }
        self.steps = 0

    def learned(self) -> Learned | None:
        return Learned(self.scores, self.settings.scores.learning_rate)

    def begin(self, run: Run) -> None:
        self.steps = run.steps
        # the gradient of the mask is dL/dW' * W: what a straight-through score learns from
        for name in self.covers:
            self.program.tensor(f"{name}{MASK}").requires_grad_()

    def before_step(self, run: Run, step: int) -> None:
        done = progress(self.settings, step, run.steps)
        if done and (step % self.settings.every == 0 or step == run.steps):
            self._write_masks(done * self.settings.threshold)

    def loss(self, moment: Moment) -> Tensor | None:
        """lambda_t * the mean over weights of the mean of sigmoid(S)."""
        done = progress(self.settings, moment.step, self.steps)
        if not done:
            return None
        means = [score.float().sigmoid().mean() for score in self.scores.values()]
        return done * self.settings.regularization * torch.stack(means).mean()

    def after_backward(self) -> None:
        for name, score in self.scores.items():
            mask = self.program.tensor(f"{name}{MASK}")
            if mask.grad is not None:
                score.grad = mask.grad if score.grad is None else score.grad + mask.grad
            mask.grad = None

    @torch.no_grad()
    def _write_masks(self, threshold: float) -> None:
        zeros = total = 0
        for name, score in self.scores.items():
            mask = self.program.tensor(f"{name}{MASK}")
            mask.copy_(threshold_mask(score, threshold, self.settings.floor))
            zeros += zero_count(mask)
            total += mask.numel()
        self.sparsity = zeros / total

    def promises(self) -> list[str]:
        wanted = self.settings
        return [
            f"dense for {wanted.warmup:.0%} of the steps, then {wanted.schedule} to zero where "
            f"sigmoid(score) <= {wanted.threshold}, {len(self.covers)} weights, lambda "
            f"{wanted.regularization}, as it is at the end for the last {wanted.cooldown:.0%}"
        ]


def threshold_mask(scores: Tensor, threshold: float, floor: float) -> Tensor:
    """sigmoid(S) > threshold; where less than the share `floor` would stay, the largest scores.

    As the authors' program counts, int(floor * n) + 1 of n stay at least.
    """
    kept = (scores.sigmoid() > threshold).to(scores.dtype)
    least = min(scores.numel(), int(floor * scores.numel()) + 1)
    if int(kept.sum()) >= least:
        return kept
    return keep_largest([scores], 1 - least / scores.numel())[0]
