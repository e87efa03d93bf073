from __future__ import annotations

from expecttest import assert_expected_inline

from sparsify.report import Quantized, StoredWeight
from sparsify.view.quantized import quantized_line
from tests.sparsify.view.test_result import latency, scores

FORMS = ("dense, int8", "dense, int8", "gaps u8")
STORED = [
    StoredWeight(
        name=f"w{number}", shape=(768, 768), sparsity=0.0, form=form, reason="",
        dense_bytes=2_359_296, stored_bytes=592_896,
    )
    for number, form in enumerate(FORMS)
]  # fmt: skip
MADE = Quantized(
    mode="dynamic", stored=STORED, size_bytes=23_096_937, max_abs_difference=0.21, scale=4.5
)


def test_what_8_bits_cost_and_bring_stands_beside_32() -> None:
    rows = [latency("model_quantized.onnx", 8.1, 3.0)]
    assert_expected_inline(
        quantized_line(MADE, scores(0.8), scores(0.81), rows).plain.replace("; ", "\n"),
        """\
int8, dynamic: 2 weights in 8 bits, 23.1 MB
accuracy 0.8000 in ONNX Runtime, 0.8100 in 32 bits
against the dense file 3.00x as fast
outputs differ from PyTorch's by at most 2.1e-01 of 4.5""",
    )


def test_without_data_and_timings_the_difference_is_told() -> None:
    assert_expected_inline(
        quantized_line(MADE).plain.replace("; ", "\n"),
        """\
int8, dynamic: 2 weights in 8 bits, 23.1 MB
outputs differ from PyTorch's by at most 2.1e-01 of 4.5""",
    )
