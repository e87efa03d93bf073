"""Attention written out, so that its scores and probabilities can be read."""

from __future__ import annotations

import operator

import torch
import torch.nn.functional as F
from torch import Tensor, fx

from sparsify.dropout import Attention
from sparsify.program import aten


class Opened(Attention):
    """Attention that returns its scores and probabilities too, with gradients through each."""

    def forward(  # type: ignore[override]
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attn_mask: Tensor | None = None,
        dropout_p: float = 0.0,
        is_causal: bool = False,
        scale: float | None = None,
        enable_gqa: bool = False,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """What attention returns, scores and probabilities.

        Scores have the lowest finite number where a key may not be seen, so that differences of
        scores stay finite; a query that sees no key at all has probabilities of zero, as in torch.
        """
        if enable_gqa:
            groups = query.shape[-3] // key.shape[-3]
            key, value = (each.repeat_interleave(groups, dim=-3) for each in (key, value))
        factor = query.shape[-1] ** -0.5 if scale is None else scale
        scores = query @ key.transpose(-2, -1) * factor
        if is_causal:
            attn_mask = torch.ones(scores.shape[-2:], dtype=torch.bool, device=query.device).tril()
        seen = scores
        if attn_mask is not None and attn_mask.dtype == torch.bool:
            scores = scores.masked_fill(~attn_mask, torch.finfo(scores.dtype).min)
            seen = scores.masked_fill(~attn_mask, float("-inf"))
        elif attn_mask is not None:
            seen = scores = scores + attn_mask
        probabilities = aten._safe_softmax.default(seen, -1)
        weights = F.dropout(probabilities, self.dropout, self.training)
        return weights @ value, scores, probabilities


def opened(module: fx.GraphModule, node: fx.Node, name: str) -> list[fx.Node]:
    """Write out the attention `node`: what stands for its result, scores and probabilities.

    The submodule that computes them is called `name`; the node itself stays, unread.
    """
    switch = module.get_submodule(str(node.target)) if node.op == "call_module" else None
    module.add_submodule(name, Opened(getattr(switch, "dropout", 0.0)))
    with module.graph.inserting_before(node):
        call = module.graph.create_node("call_module", name, node.args, node.kwargs)
        parts = [module.graph.call_function(operator.getitem, (call, i)) for i in range(3)]
    node.replace_all_uses_with(parts[0])
    return parts
