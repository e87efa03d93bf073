"""Give weights a mask of ones, into which later passes write zeros."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from sparsify.analysis.accounts import accounts
from sparsify.analysis.products import Product, products
from sparsify.analysis.roles import roles, select
from sparsify.pipeline import Pass, Report
from sparsify.program import Program


class InsertMasks(Pass):
    """weight -> mul(weight, weight_mask), for every weight of a product that a target means.

    The gradient of a pruned weight is then exactly zero, and the mask is part of every checkpoint.
    Other uses of a tied weight (an embedding's look-up) stay dense.
    """

    exact: ClassVar[bool] = True

    targets: list[str] = Field(default=["body"])
    """Names, globs, `re:` patterns, roles (`ffn.down`, `head`) or groups of them (`attention`)."""

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
                report.did[name] = f"masked, {program.tensor(name).numel():,} weights"
        for name, reason in accounts(program).items():
            if name not in uses:
                report.left[name] = reason
        report.facts["masked_weights"] = len(program.masks())
        report.facts["masked_parameters"] = sum(m.numel() for m in program.masks().values())
        return report
