"""What a program returns: a name for every value, and the values in the form of the model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import fx
from torch.utils import _pytree as pytree

from sparsify.program import Program

OUTPUT = "output "
"""What the names of the program's own outputs begin with; no tap's name does."""


def output_names(program: Program) -> list[str]:
    """A name for every value that the program returns: its field, or `output_0`, `output_1`...

    Values inside a field are named after it: `text_model_output_pooler_output`.
    """
    codegen = program.graph._codegen
    count = len(pytree.tree_leaves(program.output.args[0]))
    whole: object = list(range(count))
    if isinstance(codegen, fx.graph._PyTreeCodeGen):
        spec = codegen.pytree_info.out_spec
        if spec is not None and spec.num_leaves == count:
            whole = pytree.tree_unflatten(list(range(count)), spec)
    names = _names(whole, "" if isinstance(whole, Mapping) else "output")
    return ["logits"] if names in (["output"], ["output_0"]) else names


def _names(value: object, name: str) -> list[str]:
    """A name for every leaf of what a program returns."""
    if isinstance(value, Mapping):
        parts = list(value.items())
    elif isinstance(value, tuple | list):
        parts = list(enumerate(value))
    else:
        return [name]
    prefix = f"{name}_" if name else ""
    return [found for key, part in parts for found in _names(part, f"{prefix}{key}")]


def program_output(program: Program, values: Mapping[str, Any]) -> Any:
    """What the program itself returns, from the values of `tapped(..., outputs=True)`."""
    count = sum(name.startswith(OUTPUT) for name in values)
    leaves = [values[f"{OUTPUT}{place}"] for place in range(count)]
    codegen = program.graph._codegen
    if isinstance(codegen, fx.graph._PyTreeCodeGen):
        spec = codegen.pytree_info.out_spec
        if spec is not None and spec.num_leaves == count:
            return pytree.tree_unflatten(leaves, spec)
    return leaves[0] if count == 1 else tuple(leaves)
