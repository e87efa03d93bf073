"""Edits of the translated graph: fold what is constant, keep every weight under its own name."""

from __future__ import annotations

import onnx_ir as ir
from onnx_ir.passes import common

LARGEST_CONSTANT = 8
"""Numbers in a tensor up to which equal ones are merged: constants of the graph, not weights."""


def simplify(model: ir.Model) -> None:
    """Fold and merge what does not depend on the inputs; weights keep names, shapes and zeros.

    The exporter's own clean-up would store a linear layer's weight transposed and as `val_10`, and
    would merge two weights that were pruned to the same zeros.
    """
    from onnxscript import optimizer, rewriter

    common.InlinePass()(model)
    optimizer.fold_constants_ir(model, onnx_shape_inference=True, should_fold=_may_fold)
    rewriter.rewrite(model)
    for step in (
        common.IdentityEliminationPass(),
        common.RemoveUnusedNodesPass(),
        common.LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0),
        common.DeduplicateInitializersPass(size_limit=LARGEST_CONSTANT),
        common.CommonSubexpressionEliminationPass(),
        common.NameFixPass(),
        common.ClearMetadataAndDocStringPass(),
    ):
        step(model)
    _keep_residuals_apart(model)


def is_weight(value: ir.Value) -> bool:
    """Whether `value` is a stored floating-point tensor of two or more dimensions."""
    tensor = value.const_value
    return (
        value.is_initializer()
        and tensor is not None
        and len(tensor.shape) > 1
        and tensor.dtype.is_floating_point()
    )


def _may_fold(node: ir.Node) -> bool | None:
    """False where folding would rename a weight; None leaves it to the usual rules."""
    reads_weight = any(value is not None and is_weight(value) for value in node.inputs)
    return False if reads_weight and node.op_type != "Shape" else None


def _keep_residuals_apart(model: ir.Model) -> None:
    """Write the sum in front of a LayerNormalization as `Sum`.

    ONNX Runtime fuses `Add` and LayerNormalization into an operator that is five times slower on a
    CPU than the two; `Sum` is the same sum and no candidate. It costs 6% of a dense model.
    """
    for node in model.graph:
        uses = (
            {use.op_type for use in node.outputs[0].consumers()} if node.op_type == "Add" else set()
        )
        if "LayerNormalization" in uses:
            node.op_type = "Sum"
