"""Write the zeros of the masks into the weights and remove the masks."""

from __future__ import annotations

from typing import ClassVar

from torch import fx

from sparsify.errors import Problem
from sparsify.pipeline import Pass, Report
from sparsify.program import Program
from sparsify.zeros import zero_count


class FoldMasks(Pass):
    """weight := weight * mask, and no mask any more."""

    exact: ClassVar[bool] = True

    def run(self, program: Program) -> Report:
        report, zeros, total = Report(), 0, 0
        for weight in list(program.parameters()):
            if program.masked(weight) is None:
                continue
            _require_alone(program, weight)
            program.unmask(weight)
            tensor = program.tensor(str(weight.target))
            gone = zero_count(tensor)
            zeros, total = zeros + gone, total + tensor.numel()
            report.did[str(weight.target)] = f"{gone / tensor.numel():.1%} zero"
        if total:
            report.facts["sparsity_fraction"] = zeros / total
        return report


def _require_alone(program: Program, weight: fx.Node) -> None:
    """Raises:
    Problem: something reads the weight dense, and would read zeros.
    """
    if len(weight.users) > 1 and not bool(program.masks()[str(weight.target)].all()):
        raise Problem(
            f"{weight.target!r} is pruned in a product and read dense elsewhere, as by a look-up, "
            "so its zeros cannot be written into it",
            hint="leave it out of the targets of `prune`",
        )
