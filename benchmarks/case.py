"""One case of a benchmark: what was measured, against what, and whether the goal holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch

from benchmarks.timing import Timing


@dataclass(frozen=True)
class Goal:
    """What a ratio must reach.

    `<=`: ours / baseline, a cost. `>=`: baseline / ours, how many times faster we are.
    """

    sign: Literal["<=", ">="]
    limit: float

    def holds(self, ratio: float) -> bool:
        return ratio <= self.limit if self.sign == "<=" else ratio >= self.limit

    def __str__(self) -> str:
        return f"{self.sign} {self.limit:g}"


@dataclass(frozen=True)
class Case:
    """One line of a benchmark's output."""

    bench: str
    case: str
    value: float
    """The median of ours, in `unit`."""
    unit: str
    baseline: float
    """The median of what it is compared with, in `unit`."""
    ratio: float
    """The median over the pairs of ours / baseline; of baseline / ours where the goal is >=, or
    where it was asked for."""
    goal: str | None
    holds: bool | None
    """None: there is no goal, or the shapes were too small to judge it."""
    says: str
    """What was compared with what."""
    pairs: int
    threads: int

    @classmethod
    def read(cls, line: dict[str, Any]) -> Case:
        """The case that `dataclasses.asdict` turned into `line`."""
        return cls(**line)


def judge(
    bench: str,
    name: str,
    timing: Timing,
    says: str,
    goal: Goal | None,
    *,
    quick: bool,
    faster: bool = False,
) -> Case:
    """The case of a timing; with `quick` its goal is shown and not judged.

    Without a goal, `faster` asks for baseline / ours.
    """
    faster = faster if goal is None else goal.sign == ">="
    ratio = timing.times_faster if faster else timing.cost
    return Case(
        bench=bench,
        case=name,
        value=round(1e3 * timing.ours_s, 3),
        unit="ms",
        baseline=round(1e3 * timing.baseline_s, 3),
        ratio=round(ratio, 4),
        goal=None if goal is None else str(goal),
        holds=None if goal is None or quick else goal.holds(ratio),
        says=says,
        pairs=timing.pairs,
        threads=timing.threads,
    )


def within(
    bench: str, name: str, seconds: float, limit_s: float, says: str, *, quick: bool
) -> Case:
    """The case of a time that may not exceed a limit; with `quick` it is not judged."""
    ratio = seconds / limit_s
    return Case(
        bench=bench,
        case=name,
        value=round(1e3 * seconds, 3),
        unit="ms",
        baseline=1e3 * limit_s,
        ratio=round(ratio, 4),
        goal=str(Goal("<=", 1)),
        holds=None if quick else ratio <= 1,
        says=says,
        pairs=1,
        threads=torch.get_num_threads(),
    )
