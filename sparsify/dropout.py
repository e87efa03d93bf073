"""Dropout that obeys `.train()` and `.eval()` in a graph that torch.export has frozen."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, fx, nn

from sparsify.program import aten

SDPA = aten.scaled_dot_product_attention.default


class Attention(nn.Module):
    """scaled_dot_product_attention whose dropout is on only while training."""

    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.dropout = dropout

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attn_mask: Tensor | None = None,
        dropout_p: float = 0.0,
        is_causal: bool = False,
        scale: float | None = None,
        enable_gqa: bool = False,
    ) -> Tensor:
        return F.scaled_dot_product_attention(
            query,
            key,
            value,
            attn_mask,
            self.dropout if self.training else 0.0,
            is_causal,
            scale=scale,
            enable_gqa=enable_gqa,
        )


def make_switchable(module: fx.GraphModule) -> None:
    """Turn calls with a baked dropout into submodules that look at `training`, in place."""
    count = 0
    for node in list(module.graph.nodes):
        made = _switch(node)
        if made is None:
            continue
        switch, args = made
        name = f"{'attention' if isinstance(switch, Attention) else 'dropout'}_{count}"
        count += 1
        module.add_submodule(name, switch)
        with module.graph.inserting_before(node):
            kwargs = dict(node.kwargs) if isinstance(switch, Attention) else {}
            call = module.graph.create_node("call_module", name, args, kwargs, name=name)
        call.meta = dict(node.meta)
        node.replace_all_uses_with(call)
        module.graph.erase_node(node)
    module.graph.lint()
    module.recompile()


def _switch(node: fx.Node) -> tuple[nn.Module, tuple[fx.node.Argument, ...]] | None:
    if node.op != "call_function":
        return None
    if node.target in (aten.dropout.default, aten.dropout_.default):
        probability = node.args[1]
        assert isinstance(probability, int | float)
        return nn.Dropout(float(probability)), node.args[:1]
    if node.target is SDPA:
        dropped = node.args[4] if len(node.args) > 4 else node.kwargs.get("dropout_p", 0.0)
        if isinstance(dropped, float) and dropped > 0:
            return Attention(dropped), node.args
    return None
