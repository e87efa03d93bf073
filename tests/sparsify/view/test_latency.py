from __future__ import annotations

from collections.abc import Callable

import pytest
from expecttest import assert_expected_inline

from sparsify.report import Latency
from sparsify.view.latency import latency_table, ratio_words


def latency(file: str, median_ms: float, ratio: float, batch: int = 1) -> Latency:
    return Latency(
        file=file,
        median_ms=median_ms,
        spread_ms=0.1,
        ratio=ratio,
        threads=1,
        batch=batch,
        sequence=128,
    )


def test_one_table_a_setting_and_the_first_file_is_the_yardstick(
    rendered: Callable[..., str],
) -> None:
    rows = [
        latency("dense.onnx", 20.0, 1.0),
        latency("out/model.onnx", 10.0, 2.0),
        latency("dense.onnx", 160.0, 1.0, batch=8),
        latency("out/model.onnx", 158.0, 1.01, batch=8),
    ]
    assert_expected_inline(
        rendered(latency_table(rows), encoding="ascii"),
        """\
batch 1, sequence 128, 1 thread
+--------------------------------------------------------------------+
|file           |  median |            |   spread | against the first|
|---------------+---------+------------+----------+------------------|
|dense.onnx     | 20.0 ms | ########## | 0.100 ms |                  |
|out/model.onnx | 10.0 ms | #####..... | 0.100 ms |     2.00x as fast|
+--------------------------------------------------------------------+
batch 8, sequence 128, 1 thread
+-------------------------------------------------------------------+
|file           | median |            |   spread | against the first|
|---------------+--------+------------+----------+------------------|
|dense.onnx     | 160 ms | ########## | 0.100 ms |                  |
|out/model.onnx | 158 ms | ########## | 0.100 ms | 1.01x, same speed|
+-------------------------------------------------------------------+""",
    )


def test_what_a_file_weighs_and_runs_on_is_said_once(rendered: Callable[..., str]) -> None:
    facts = {"kernels": "avx512", "size_bytes": 13_000_000, "gzip_bytes": 11_000_000}
    cost = {"load_ms": 80, "memory_mb": 40, "peak_memory_mb": 60}
    row = latency("a.onnx", 3.0, 1.0).model_copy(update={**facts, **cost})
    shown = rendered(latency_table([row, row], "no compiler"), encoding="ascii")
    assert_expected_inline(
        shown[shown.index("files") :],
        """\
files
+---------------------------------------------------------------+
|file   | kernels |    size | gzipped |    load | memory |  peak|
|-------+---------+---------+---------+---------+--------+------|
|a.onnx | avx512  | 13.0 MB | 11.0 MB | 80.0 ms |  40 MB | 60 MB|
+---------------------------------------------------------------+
no compiler""",
    )


def test_a_folder_that_all_share_is_not_repeated(rendered: Callable[..., str]) -> None:
    facts = {"kernels": "stock", "gzip_bytes": 1, "load_ms": 1.0, "memory_mb": 1.0}
    rows = [
        latency("out/demo/dense.onnx", 4.0, 1.0).model_copy(update={**facts, "size_bytes": 1000}),
        latency("out/demo/model.onnx", 2.0, 2.0).model_copy(update={**facts, "size_bytes": 591}),
    ]
    shown = rendered(latency_table(rows))
    assert "out/demo" not in shown
    assert "591 B, 59%" in shown
    assert "out/demo" in rendered(latency_table(rows[:1]))


@pytest.mark.parametrize(
    ("ratio", "words"),
    [
        (0.25, "4.00x slower"),
        (0.95, "0.95x, same speed"),
        (1.1, "1.10x, same speed"),
        (1.2, "1.20x as fast"),
    ],
)
def test_small_differences_are_no_differences(ratio: float, words: str) -> None:
    assert ratio_words(ratio) == words
