"""Where the blocks of a sparse weight lie in its grid, in standard operators."""

from __future__ import annotations

import numpy as np
from onnx import NodeProto, TensorProto, helper


def _cells_of_gaps() -> list[NodeProto]:
    return [
        helper.make_node("Cast", ["gaps"], ["steps"], to=TensorProto.INT64),
        helper.make_node("CumSum", ["steps", "first_axis"], ["places"]),
    ]


def _cells_of_rows() -> list[NodeProto]:
    """The row of each block is how many rows have begun, the first one apart."""
    return [
        helper.make_node("Constant", [], ["zero"], value_ints=[0]),
        helper.make_node("Constant", [], ["far"], value_ints=[np.iinfo(np.int64).max]),
        helper.make_node("Cast", ["row_offsets"], ["offsets"], to=TensorProto.INT64),
        helper.make_node("Cast", ["columns"], ["across"], to=TensorProto.INT64),
        helper.make_node("Slice", ["offsets", "one", "last"], ["begins"]),
        helper.make_node("Slice", ["offsets", "last", "far"], ["count"]),
        helper.make_node("Add", ["count", "one"], ["marks_shape"]),
        helper.make_node("ConstantOfShape", ["marks_shape"], ["no_marks"], value=_whole(0)),
        helper.make_node("Shape", ["begins"], ["begins_shape"]),
        helper.make_node("ConstantOfShape", ["begins_shape"], ["each"], value=_whole(1)),
        helper.make_node(
            "ScatterElements", ["no_marks", "begins", "each"], ["marks"], axis=0, reduction="add"
        ),
        helper.make_node("CumSum", ["marks", "first_axis"], ["rows_and_end"]),
        helper.make_node("Slice", ["rows_and_end", "zero", "count"], ["rows"]),
        helper.make_node("Slice", ["grid", "one", "far"], ["grid_columns"]),
        helper.make_node("Mul", ["rows", "grid_columns"], ["rows_begin"]),
        helper.make_node("Add", ["rows_begin", "across"], ["places"]),
    ]


def _cells_of_twos() -> list[NodeProto]:
    """Every byte has four places among four inputs, two bits each."""
    return [
        helper.make_node("Cast", ["positions"], ["packed"], to=TensorProto.INT64),
        helper.make_node("Unsqueeze", ["packed", "last"], ["apiece"]),
        helper.make_node("Constant", [], ["weights_of_bits"], value_ints=[1, 4, 16, 64]),
        helper.make_node("Constant", [], ["zero"], value_ints=[0]),
        helper.make_node("Constant", [], ["two"], value_ints=[2]),
        helper.make_node("Constant", [], ["four"], value_ints=[4]),
        helper.make_node("Div", ["apiece", "weights_of_bits"], ["shifted"]),
        helper.make_node("Mod", ["shifted", "four"], ["four_places"]),
        helper.make_node("Reshape", ["four_places", "last"], ["filled_up"]),
        helper.make_node("Shape", ["values"], ["count"]),
        helper.make_node("Slice", ["filled_up", "zero", "count"], ["among_four"]),
        helper.make_node("ConstantOfShape", ["count"], ["each"], value=_whole(1)),
        helper.make_node("CumSum", ["each", "first_axis"], ["numbered_from_one"]),
        helper.make_node("Sub", ["numbered_from_one", "one"], ["numbered"]),
        helper.make_node("Div", ["numbered", "two"], ["fours_before"]),
        helper.make_node("Mul", ["fours_before", "four"], ["inputs_before"]),
        helper.make_node("Add", ["inputs_before", "among_four"], ["places"]),
    ]


CELLS = {"csr": _cells_of_rows, "gaps": _cells_of_gaps, "2 of 4": _cells_of_twos}
"""What makes `places`, the cells of the grid in which blocks lie, of each form."""


def _whole(number: int) -> TensorProto:
    return helper.make_tensor("value", TensorProto.INT64, [1], [number])
