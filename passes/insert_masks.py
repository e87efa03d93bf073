"""Give weights a mask of ones, into which later passes write zeros."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from sparsify.analysis.accounts import accounts
from sparsify.analysis.products import Product, products
from sparsify.analysis.roles import roles, select
from sparsify.pipeline import Pass, Report
from sparsify.program import MASK, Program
from sparsify.zeros import zero_count


class InsertMasks(Pass):
    """weight -> mul(weight, weight_mask), for every weight of a product that a target means.

    The gradient of a pruned weight is then exactly zero, and the mask is part of every checkpoint.
    Other uses of a tied weight (an embedding's look-up) stay dense.
    """

    exact: ClassVar[bool] = True

    targets: list[str] = Field(default=["body"])
    """Names, globs, `re:` patterns, roles (`ffn.down`, `head`) or groups of them (`attention`)."""
    keep_zeros: bool = False
    """Whether what is zero in a weight is zero in its mask, so that a sparse model stays sparse."""

    def run(self, program: Program) -> Report:
        report = Report()
        uses: dict[str, list[Product]] = {}
        for use in products(program):
            uses.setdefault(use.weight, []).append(use)
        known = roles(program)
        weights = {name: role for name, role in known.items() if name in uses}
        chosen = set(select(weights, self.targets, where="targets"))
        for name, of_weight in uses.items():
            if name not in chosen:
                report.left[name] = f"no target ({known[name]})"
            elif program.masked(of_weight[0].attribute) is not None:
                report.left[name] = "already masked"
            else:
                program.mask(of_weight[0].attribute, [use.reader for use in of_weight])
                report.did[name] = self._told(program, name)
        for name, reason in accounts(program).items():
            if name not in uses:
                report.left[name] = reason
        report.facts["masked_weights"] = len(program.masks())
        report.facts["masked_parameters"] = sum(m.numel() for m in program.masks().values())
        return report

    def _told(self, program: Program, name: str) -> str:
        """What is said of a weight that got its mask, and its zeros where they are kept."""
        weight = program.tensor(name)
        says = f"masked, {weight.numel():,} weights"
        if not self.keep_zeros:
            return says
        mask = program.tensor(f"{name}{MASK}")
        mask.copy_(weight != 0)
        return f"{says}, {zero_count(mask):,} of them zero for good"
