"""Whether each parameter of a model can be pruned, and why not where it cannot."""

from __future__ import annotations

from sparsify.analysis.branches import Anatomy
from sparsify.analysis.leftovers import leftover
from sparsify.program import Program

PRUNABLE = "the weight of a product"


def accounts(program: Program) -> dict[str, str]:
    """Name -> `PRUNABLE`, or the reason why not, for every parameter of the captured model."""
    anatomy = program.remember(Anatomy)
    weights = {use.weight for use in anatomy.products.values()}
    found = {}
    for node in program.parameters():
        rest = leftover(anatomy, node)
        name = str(node.target)
        found[name] = PRUNABLE if rest is None or name in weights else rest.reason
    for opaque in program.origin.opaque:
        for name, _ in program.module.get_submodule(opaque).named_parameters(prefix=opaque):
            found.setdefault(name, f"inside the opaque submodule {opaque}")
    return found | dict.fromkeys(program.origin.unused, "not read by forward")
