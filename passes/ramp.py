"""How far pruning has come at a step of a run: dense at first, along a schedule, then done."""

from __future__ import annotations

from typing import Protocol

from sparsify.kinds import Chosen


class Ramped(Protocol):
    """The settings of a pass that prunes gradually."""

    @property
    def schedule(self) -> Chosen: ...
    @property
    def warmup(self) -> float: ...
    @property
    def cooldown(self) -> float: ...


def leave_time_to_prune(settings: Ramped) -> None:
    """Raise a ValueError, for a recipe's reader to place, where no step is left between the two."""
    if settings.warmup + settings.cooldown >= 1:
        raise ValueError("`warmup` and `cooldown` together leave no step to prune in")


def ramp(settings: Ramped, steps: int) -> tuple[int, int]:
    """The step at which a run of `steps` begins to prune, and the one at which it is done."""
    start = round(settings.warmup * steps)
    return start, max(start, round((1 - settings.cooldown) * steps))


def progress(settings: Ramped, step: int, steps: int) -> float:
    """What the schedule says before step `step` of `steps`, from 0 to 1."""
    start, end = ramp(settings, steps)
    if step < start:
        return 0.0
    return float(settings.schedule(t=min(1.0, (step - start) / max(end - start, 1))))
