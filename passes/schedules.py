"""Schedules: how far along is pruning at time t? From 0, nothing pruned, to 1, all of it."""

from __future__ import annotations

from sparsify.kinds import schedule


@schedule
def one_shot(t: float) -> float:
    """Everything at once, when the pass runs; nothing is left for training to prune."""
    return 1.0


@schedule
def linear(t: float) -> float:
    """The same number of weights in every update."""
    return t


@schedule
def cubic(t: float) -> float:
    """1 - (1 - t)^3, fast at first. Zhu and Gupta 2017, arXiv:1710.01878, equation 1."""
    return 1.0 - (1.0 - t) ** 3
