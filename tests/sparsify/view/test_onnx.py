from __future__ import annotations

from collections.abc import Callable

from expecttest import assert_expected_inline

from sparsify.export import OnnxSummary
from sparsify.export.summary import StoredWeight
from sparsify.view.onnx import onnx_view

SUMMARY = OnnxSummary(
    inputs={"input_ids": ("batch", "sequence")},
    outputs={"logits": ("batch", 2)},
    opset=18,
    nodes={"Gemm": 12, "Add": 3, **{f"Other{i}": 1 for i in range(14)}},
    size_bytes=90_400_000,
    weights=(
        StoredWeight("q.weight", (8, 8), 0.9, 256),
        StoredWeight("k.weight", (8, 8), 0.0, 256),
    ),
)


def test_a_file_in_a_few_lines(rendered: Callable[..., str]) -> None:
    assert_expected_inline(
        rendered(onnx_view(SUMMARY, {"q.weight", "k.weight"}), encoding="ascii"),
        """\
90.4 MB, opset 18, 29 nodes, 128 numbers in 2 weights, 45.0% of them zero
+----------------------------------+
|input or output | shape           |
|----------------+-----------------|
|input input_ids | batch x sequence|
|output logits   | batch x 2       |
+----------------------------------+
operators: Gemm 12, Add 3, Other0 1, Other1 1, Other2 1, Other3 1, Other4 1,
Other5 1, Other6 1, Other7 1, Other8 1, Other9 1 and 4 more kinds
+----------------------------------------------+
|weight   |shape |parameters |zeros |          |
|---------+------+-----------+------+----------|
|q.weight |  8x8 |        64 |90.0% |#########.|
|k.weight |  8x8 |        64 | 0.0% |..........|
|---------+------+-----------+------+----------|
|all      |      |       128 |45.0% |####......|
+----------------------------------------------+""",
    )


def test_only_the_weights_that_are_asked_for(rendered: Callable[..., str]) -> None:
    assert "k.weight" not in rendered(onnx_view(SUMMARY, {"q.weight"}), width=120)
