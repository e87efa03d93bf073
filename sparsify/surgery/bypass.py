"""Remove whole repeated layers."""

from __future__ import annotations

from collections.abc import Sequence

from sparsify.analysis.blocks import blocks
from sparsify.errors import Problem
from sparsify.program import Edit, Program
from sparsify.surgery.leftovers import sweep


def bypass(program: Program, layers: Sequence[int]) -> None:
    """Hand on the input of each of these layers in the place of its output, in place.

    Args:
        program: what is edited.
        layers: indices into `blocks(program)`.

    Raises:
        Problem: there is no such layer, or its output has another shape than its input.
    """
    known = blocks(program)
    for index in layers:
        if not 0 <= index < len(known):
            raise Problem(f"there is no layer {index}", hint=f"the program has {len(known)} layers")
        block = known[index]
        shapes = [str(node.meta["val"].shape) for node in (block.input, block.output)]
        if shapes[0] != shapes[1]:
            raise Problem(f"layer {index} ({block.name}) turns {shapes[0]} into {shapes[1]}")
    # from the last, so that the input of a later layer is still there when an earlier one goes
    for index in sorted(set(layers), reverse=True):
        known[index].output.replace_all_uses_with(known[index].input)
    sweep(program)
    program.edits.append(Edit("bypass", sorted(set(layers))))
