"""Dropout and norms that obey `.train()` and `.eval()` in a graph that torch.export has frozen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn
from torch.export import ExportedProgram

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


@contextmanager
def dropping(module: nn.Module, rate: float | None) -> Iterator[None]:
    """While it lasts, everything in `module` that drops values drops the share `rate` of them.

    None: what it drops by itself.
    """
    places: list[tuple[nn.Module, str]]
    places = [(each, "p") for each in module.modules() if isinstance(each, nn.Dropout)]
    places += [(each, "dropout") for each in module.modules() if isinstance(each, Attention)]
    own = [getattr(each, name) for each, name in places]
    if rate is not None:
        for each, name in places:
            setattr(each, name, rate)
    try:
        yield
    finally:
        for (each, name), value in zip(places, own, strict=True):
            setattr(each, name, value)


class Switched(nn.Module):
    """Any other operator with an argument that says whether it is training: batch norm."""

    def __init__(self, operator: torch._ops.OpOverload, place: int) -> None:
        super().__init__()
        self.operator, self.place = operator, place

    def forward(self, *args: Any) -> Any:
        """What the operator returns; `args` are its arguments, of which `training` is ignored."""
        given = list(args)
        given[self.place] = self.training
        return self.operator(*given)


NAMES = {nn.Dropout: "dropout", Attention: "attention", Switched: "switched"}
"""The submodules that a program may call, and what they are called in it."""
TRAINING = ("train", "training", "use_input_stats")
"""What operators call the argument that says whether they are training."""


def random_submodules(exported: ExportedProgram) -> tuple[str, ...]:
    """The submodules that draw random numbers for something else than dropout, in graph order."""
    found: dict[str, None] = {}
    for node in exported.graph.nodes:
        is_random = torch.Tag.nondeterministic_seeded in getattr(node.target, "tags", ())
        if is_random and _switch(node) is None and node.target is not SDPA:
            *_, (owner, _) = node.meta.get("nn_module_stack", {"": ("", "")}).values()
            if owner:
                found[owner] = None
    return tuple(found)


def make_switchable(module: fx.GraphModule) -> None:
    """Turn calls that have their mode baked in into submodules that look at `training`."""
    count = 0
    for node in list(module.graph.nodes):
        made = _switch(node)
        if made is None:
            continue
        switch, args = made
        name = f"{NAMES[type(switch)]}_{count}"
        count += 1
        module.add_submodule(name, switch)
        with module.graph.inserting_before(node):
            kwargs = dict(node.kwargs) if isinstance(switch, Attention) else {}
            call = module.graph.create_node("call_module", name, args, kwargs, name=name)
        call.meta = dict(node.meta)
        node.replace_all_uses_with(call)
        module.graph.erase_node(node)
    module.graph.lint()


def _switch(node: fx.Node) -> tuple[nn.Module, tuple[fx.node.Argument, ...]] | None:
    """The submodule that obeys the mode, and what it is called with; None where none is needed."""
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
    elif isinstance(node.target, torch._ops.OpOverload):
        names = [argument.name for argument in node.target._schema.arguments]
        given = dict(zip(names, node.args, strict=False))
        # a norm without running statistics does the same in both modes
        if given.get("running_mean", node) is not None:
            for place, name in enumerate(names):
                if name in TRAINING and given.get(name) is True:
                    return Switched(node.target, place), node.args
    return None
