"""Program -> text that is the same on every run: goldens compare it, `sparsify show` prints it."""

from __future__ import annotations

from typing import Any

import torch
from torch import fx

from sparsify.program import MASK, Program, aten
from sparsify.zeros import share_of_zeros

SHORT = {
    torch.float32: "f32",
    torch.float64: "f64",
    torch.float16: "f16",
    torch.bfloat16: "bf16",
    torch.int64: "i64",
    torch.int32: "i32",
    torch.bool: "b8",
}


def to_text(program: Program) -> str:
    """`program` as text, one line a call: name, type and shape, call.

    Weights are `@name`; a mask tells the share that it zeroes. Equal programs have equal texts.
    """
    sizes = _symbols(program)
    nodes = list(program.graph.nodes)
    inputs = [f"%{n.name}: {_type(n, sizes)}" for n in nodes if n.op == "placeholder"]
    rows = [
        (f"%{n.name}", _type(n, sizes), _call(n) + _zeros(n, program))
        for n in nodes
        if n.op in ("call_function", "call_module")
    ]
    names, types = (max((len(row[i]) for row in rows), default=0) for i in (0, 1))
    lines = [f"  {name:<{names}} : {kind:<{types}} = {call}" for name, kind, call in rows]
    return "\n".join(
        [f"program({', '.join(inputs)})", *lines, f"  return {_value(nodes[-1].args[0])}"]
    )


def _symbols(program: Program) -> dict[str, str]:
    """Symbolic size -> the name of the dimension: `s77` says nothing, `batch` does."""
    found: dict[str, str] = {}
    for node in program.graph.find_nodes(op="placeholder"):
        for dim, name in program.dynamic.get(str(node.target), {}).items():
            found.setdefault(str(node.meta["val"].shape[dim]), name)
    return found


def _type(node: fx.Node, sizes: dict[str, str]) -> str:
    """`f32[batch,8]`; sizes that are no input's are numbered in order of appearance."""
    value = node.meta.get("val")
    if isinstance(value, torch.SymInt | int):
        return "int"
    if not isinstance(value, torch.Tensor):
        return "?"
    dims = [
        str(s) if isinstance(s, int) else sizes.setdefault(str(s), f"d{len(sizes)}")
        for s in value.shape
    ]
    return f"{SHORT.get(value.dtype, str(value.dtype))}[{','.join(dims)}]"


def _call(node: fx.Node) -> str:
    target = node.target
    if isinstance(target, torch._ops.OpOverload):
        name = target._schema.name.removeprefix("aten::")
    else:
        name = target if isinstance(target, str) else getattr(target, "__name__", str(target))
    args = [*map(_value, node.args), *(f"{k}={_value(v)}" for k, v in node.kwargs.items())]
    return f"{name}({', '.join(args)})"


def _value(value: Any) -> str:
    if isinstance(value, fx.Node):
        return f"@{value.target}" if value.op == "get_attr" else f"%{value.name}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    return str(value)


def _zeros(node: fx.Node, program: Program) -> str:
    """The share of zeros a mask writes, beside the call that multiplies by it."""
    weight = node.args[0] if node.target is aten.mul.Tensor else None
    if not isinstance(weight, fx.Node) or program.masked(weight) is not node:
        return ""
    mask = program.tensor(f"{weight.target}{MASK}")
    return f"  # {share_of_zeros(mask):.1%} zero"
