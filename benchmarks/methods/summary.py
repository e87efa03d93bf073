"""Means over seeds, their spread, and the difference of each method to its base, seed by seed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from benchmarks.methods.contenders import ALL
from benchmarks.methods.outcome import Outcome

DEV, HELD_OUT = "dev", "held-out"


@dataclass(frozen=True)
class Spread:
    """A mean over seeds."""

    mean: float
    deviation: float | None
    """The standard deviation over seeds; None: there is one."""
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        return cls(fmean(values), stdev(values) if len(values) > 1 else None, len(values))

    @property
    def error(self) -> float | None:
        """The standard error of the mean."""
        return None if self.deviation is None else self.deviation / self.count**0.5


@dataclass(frozen=True)
class Line:
    """One method at one sparsity."""

    method: str
    sparsity: float
    outcomes: tuple[Outcome, ...]
    """By seed."""
    base: tuple[Outcome, ...]
    """Those of its base at the same sparsity and the same seeds; empty: there are none."""

    def score(self, rows: str) -> Spread:
        return Spread.of([each.score(rows) for each in self.outcomes])

    def kept(self, rows: str) -> float:
        """The score as a share of the dense model's, mean over seeds."""
        return fmean(each.score(rows) / each.dense_score(rows) for each in self.outcomes)

    def gain(self, rows: str) -> Spread | None:
        """The difference to the base, seed by seed."""
        of_base = {each.seed: each.score(rows) for each in self.base}
        pairs = [each.score(rows) - of_base[each.seed] for each in self.outcomes
                 if each.seed in of_base]  # fmt: skip
        return Spread.of(pairs) if pairs else None

    def zeros(self) -> float | None:
        """The sparsity that was reached, mean over seeds; None: what was pruned was removed."""
        found = [each.zeros for each in self.outcomes if each.zeros is not None]
        return fmean(found) if found else None

    def cpu_s(self) -> float:
        return fmean(each.cpu_s for each in self.outcomes)

    def wall_s(self) -> float:
        return fmean(each.wall_s for each in self.outcomes)


def summary(outcomes: Sequence[Outcome]) -> list[Line]:
    """A line for each method and sparsity, in the order of the list of methods."""
    grouped: defaultdict[tuple[str, float], list[Outcome]] = defaultdict(list)
    for outcome in sorted(outcomes, key=lambda each: each.seed):
        grouped[outcome.method, outcome.sparsity].append(outcome)
    order = list(ALL)
    keys = sorted(grouped, key=lambda key: (key[1], order.index(key[0])))
    return [
        Line(method, sparsity, tuple(grouped[method, sparsity]), _base(grouped, method, sparsity))
        for method, sparsity in keys
    ]


def _base(
    grouped: dict[tuple[str, float], list[Outcome]], method: str, sparsity: float
) -> tuple[Outcome, ...]:
    base = ALL[method].base
    return tuple(grouped.get((base, sparsity), ())) if base else ()
