"""The learning rate of every step: it rises, falls or stays, once or in cycles."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch.optim.lr_scheduler import LambdaLR

from sparsify.recipe import Optimization


def rate(settings: Optimization, step: int, steps: int) -> float:
    """The share of the learning rate that step `step` of `steps` uses, counted from 0.

    In every cycle it rises evenly for the share `warmup` of it, and then falls evenly to zero, or
    stays where `decay` is none.
    """
    first, last = _cycle(settings, min(step, steps - 1), steps)
    place, length = step - first, last - first
    rising = round(settings.warmup * length)
    if place < rising:
        return place / max(1, rising)
    if settings.decay == "none":
        return 1.0
    return max(0.0, (length - place) / max(1, length - rising))


def scheduler(optimizer: torch.optim.Optimizer, settings: Optimization, steps: int) -> LambdaLR:
    """Gives `optimizer` the rates of a run of `steps`."""
    return LambdaLR(optimizer, lambda step: rate(settings, step, steps))


def restart(
    optimizer: torch.optim.Optimizer, settings: Optimization, step: int, steps: int
) -> None:
    """Let `optimizer` forget the gradients that it has seen, where a cycle begins with `step`."""
    if step > 0 and _cycle(settings, step, steps)[0] == step:
        optimizer.state.clear()


def _cycle(settings: Optimization, step: int, steps: int) -> tuple[int, int]:
    """The first step of the cycle that `step` is in, and the first one after it."""
    bounds = [round(number * steps / settings.cycles) for number in range(settings.cycles + 1)]
    return max((low, high) for low, high in pairwise(bounds) if low <= step)
