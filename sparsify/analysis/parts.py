"""The part that each weight product plays in attention or in an FFN."""

from __future__ import annotations

from collections.abc import Iterator

from torch import fx

from sparsify.analysis.attention import Attending
from sparsify.analysis.branches import Anatomy
from sparsify.analysis.flow import unmixed, walk
from sparsify.analysis.products import Product
from sparsify.program import aten

CURVED: set[object] = {
    aten.gelu.default,
    aten.relu.default,
    aten.relu_.default,
    aten.relu6.default,
    aten.leaky_relu.default,
    aten.elu.default,
    aten.silu.default,
    aten.silu_.default,
    aten.mish.default,
    aten.hardswish.default,
    aten.hardsigmoid.default,
    aten.sigmoid.default,
    aten.tanh.default,
    aten.erf.default,
    aten.exp.default,
    aten.softplus.default,
    aten.pow.Tensor_Scalar,
    aten.clamp.default,
    aten.clamp_min.default,
}
"""Pointwise calls that are not linear: those that activations are made of."""


def attention_parts(anatomy: Anatomy) -> dict[str, str]:
    """Weight -> `attention.query` and so on, for every weight around an attention."""
    found: dict[str, str] = {}
    for site in anatomy.attentions:
        kind = "cross-attention" if anatomy.crosses(site) else "attention"
        made: dict[str, set[str]] = {}
        for part, operand in _operands(site):
            for use in anatomy.makers(operand):
                made.setdefault(use.weight, set()).add(part)
        for weight, parts in made.items():
            found.setdefault(weight, f"{kind}.{min(parts) if len(parts) == 1 else 'qkv'}")
        for use in _readers(anatomy, site.result):
            found.setdefault(use.weight, f"{kind}.output")
    return found


def ffn_parts(anatomy: Anatomy) -> dict[str, str]:
    """Weight -> `ffn.up`, `ffn.gate`, `ffn.down` or `router`, for every weight of an FFN."""
    found: dict[str, str] = {}
    for addition in anatomy.additions:
        for branch in anatomy.branches(addition):
            if branch.kind != "ffn":
                continue
            within = set(anatomy.between(branch.input, branch.output))
            downs = anatomy.downs(branch.output, within)
            for down in downs:
                found.setdefault(down.weight, "ffn.down")
                for use, is_gate in _ups(anatomy, down):
                    found.setdefault(use.weight, "ffn.gate" if is_gate else "ffn.up")
            for use in anatomy.makers(branch.output):
                found.setdefault(use.weight, "router")
    return found


def _operands(site: Attending) -> Iterator[tuple[str, fx.Node]]:
    """What queries, keys and values are read from, positions' own included."""
    yield from (("query", site.query), ("key", site.key), ("value", site.value))
    keys = set(walk([site.key], unmixed)) - set(walk([site.query], unmixed))
    for left, right in site.extras:
        # keys times the queries of positions are written with the keys first
        turned = bool(keys & set(walk([left], unmixed)))
        yield "key" if turned else "query", left
        yield "query" if turned else "key", right


def _readers(anatomy: Anatomy, result: fx.Node) -> list[Product]:
    """The products that read `result` without a further product in between."""
    return [
        use
        for use in anatomy.products.values()
        if anatomy.flow.depends(use.activation, result)
        and result in set(walk([use.activation], anatomy.inward))
    ]


def _ups(anatomy: Anatomy, down: Product) -> Iterator[tuple[Product, bool]]:
    """The products that `down` reads, each with whether it passes the activation as a gate."""
    uses = anatomy.makers(down.activation)
    curved = {
        use.node: any(
            node.target in CURVED
            and anatomy.flow.depends(node, use.node)
            and not any(o is not use and anatomy.flow.depends(node, o.node) for o in uses)
            for node in walk([down.activation], anatomy.inward)
        )
        for use in uses
    }
    gated = len(set(curved.values())) == 2
    for use in uses:
        yield use, gated and curved[use.node]
