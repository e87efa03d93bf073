"""Write the zeros of the masks into the weights and remove the masks."""

from __future__ import annotations

from typing import ClassVar

from sparsify.pipeline import Pass, Report
from sparsify.program import Program


class FoldMasks(Pass):
    """weight := weight * mask, and no mask any more."""

    exact: ClassVar[bool] = True

    def run(self, program: Program) -> Report:
        report, zeros, total = Report(), 0, 0
        for weight in list(program.parameters()):
            if program.masked(weight) is None:
                continue
            program.unmask(weight)
            tensor = program.tensor(str(weight.target))
            gone = int((tensor == 0).sum())
            zeros, total = zeros + gone, total + tensor.numel()
            report.did[str(weight.target)] = f"{gone / tensor.numel():.1%} zero"
        if total:
            report.facts["sparsity_fraction"] = zeros / total
        return report
