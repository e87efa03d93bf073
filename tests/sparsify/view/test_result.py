from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from expecttest import assert_expected_inline

from sparsify.history import History
from sparsify.report import Cost, Latency, Parity, Phase, Point, RunReport, Scores, SelfTest
from sparsify.view.result import report_view, result_table, result_view


def scores(accuracy: float) -> Scores:
    return Scores(main="accuracy", values={"f1": accuracy - 0.01, "accuracy": accuracy})


def latency(file: str, median_ms: float, ratio: float) -> Latency:
    return Latency(
        file=file, median_ms=median_ms, spread_ms=0.2, ratio=ratio, threads=2, batch=1, sequence=64
    )


def report(**changes: Any) -> RunReport:
    values: dict[str, Any] = {
        "recipe": "demo",
        "model": "package://encoder/model",
        "seed": 42,
        "versions": {},
        "machine": {},
        "pruned_sparsity": 0.9,
        "dense": scores(0.84),
        "dense_onnx": scores(0.84),
        "sparse": scores(0.81),
        "sparse_onnx": scores(0.81),
        "parity": Parity(max_abs_difference=3e-7, tolerance=1e-4, shapes=[[1, 5], [3, 17]]),
        "bytes_dense": 90_400_000,
        "bytes_sparse": 90_410_000,
        "latency": [latency("dense.onnx", 24.31, 1.0), latency("model.onnx", 24.1, 1.009)],
        "phases": [
            Phase(name="teacher", seconds=200, peak_memory_mb=1800),
            Phase(name="train", seconds=300, peak_memory_mb=2100),
        ],
        "warnings": ["12 of 300 texts were cut at 128 tokens [see data.max_length]."],
    }
    return RunReport(**(values | changes))


def test_the_table_that_a_user_waits_for(rendered: Callable[..., str]) -> None:
    shown = rendered(
        result_view(report(), Path("out/demo"), ["model.onnx", "report.json", "own"]),
        encoding="ascii",
    )
    assert_expected_inline(
        shown,
        """\
+-------------------------------------------------------+
|in out/demo | what it is                               |
|------------+------------------------------------------|
|model.onnx  | the sparse model, batch and sequence free|
|report.json | every figure; `sparsify show` prints it  |
|own         |                                          |
+-------------------------------------------------------+
parity: PyTorch and ONNX Runtime differ by at most 3.0e-07 (allowed 1e-04) at
the shapes 1x5, 3x17
time: 8 min 20 s (teacher 3 min 20 s, train 5 min 00 s); peak memory 2.1 GB
speed: stock ONNX Runtime runs zeros at dense speed: this file is sparse, not
faster, until its weights are stored for sparse kernels or whole rows and heads
are removed.
warning: 12 of 300 texts were cut at 128 tokens [see data.max_length].
demo on package://encoder/model, seed 42
+---------------------------------------------------------------------------+
|                                  |   dense |  sparse | against dense      |
|----------------------------------+---------+---------+--------------------|
|accuracy, PyTorch                 |  0.8400 |  0.8100 | 96.4% kept         |
|f1, PyTorch                       |  0.8300 |  0.8000 | 96.4% kept         |
|accuracy, ONNX Runtime            |  0.8400 |  0.8100 | 96.4% kept         |
|f1, ONNX Runtime                  |  0.8300 |  0.8000 | 96.4% kept         |
|zeros in the pruned weights       |         |  90.00% |                    |
|file                              | 90.4 MB | 90.4 MB | 100.0% of the bytes|
|latency, 1 x 64 tokens, 2 threads | 24.3 ms | 24.1 ms | 1.01x, same speed  |
+---------------------------------------------------------------------------+""",
    )


def smaller(parameters: int, macs: int) -> Cost:
    return Cost(
        batch=1, sequence=128, parameters=parameters, zeros=0, dense_macs=macs, macs=macs,
        size_bytes=4 * parameters,
    )  # fmt: skip


def test_what_was_removed_is_counted(rendered: Callable[..., str]) -> None:
    costs = {
        "dense_cost": smaller(109_483_778, 11_174_215_680),
        "sparse_cost": smaller(66_955_778, 5_587_107_840),
    }
    bare = report(dense=None, dense_onnx=None, sparse=None, sparse_onnx=None, pruned_sparsity=None)
    assert_expected_inline(
        rendered(result_table(bare.model_copy(update=costs)), width=100, encoding="ascii"),
        """\
+----------------------------------------------------------------------------------------+
|                                  |          dense |        sparse | against dense      |
|----------------------------------+----------------+---------------+--------------------|
|parameters                        |    109,483,778 |    66,955,778 | 61.2% of the dense |
|multiply-adds, 1 x 128 tokens     | 11,174,215,680 | 5,587,107,840 | 50.0% of the dense |
|file                              |        90.4 MB |       90.4 MB | 100.0% of the bytes|
|latency, 1 x 64 tokens, 2 threads |        24.3 ms |       24.1 ms | 1.01x, same speed  |
+----------------------------------------------------------------------------------------+""",
    )
    same = {"dense_cost": smaller(5, 6), "sparse_cost": smaller(5, 6)}
    shown = rendered(result_table(bare.model_copy(update=same)))
    assert "parameters" not in shown
    assert "multiply-adds" not in shown


def test_on_a_wide_terminal_nothing_is_wrapped(rendered: Callable[..., str]) -> None:
    lines = rendered(result_view(report()), width=120).splitlines()
    assert any("latency, 1 x 64 tokens, 2 threads   24.3 ms" in line for line in lines)


@pytest.mark.parametrize(
    ("ratio", "words", "excused"),
    [
        (1.009, "1.01x, same speed", True),
        (2.5, "2.50x as fast", False),
        (0.5, "2.00x slower", False),
    ],
)
def test_the_speed_is_called_what_it_is(
    rendered: Callable[..., str], ratio: float, words: str, excused: bool
) -> None:
    pair = [latency("dense.onnx", 24.0, 1.0), latency("model.onnx", 24.0 / ratio, ratio)]
    shown = rendered(result_view(report(latency=pair)), width=200)
    assert words in shown
    assert ("stock ONNX Runtime runs zeros at dense speed" in shown) == excused


def test_parity_says_where_the_weights_were_rounded(rendered: Callable[..., str]) -> None:
    parity = Parity(max_abs_difference=3e-7, tolerance=1e-4, shapes=[[1, 5]], rounded=True)
    shown = rendered(result_view(report(parity=parity)), width=200)
    assert "PyTorch, with the rounded weights of the file, and ONNX Runtime differ" in shown
    told = parity.model_copy(update={"inputs_rounded_difference": 2e-2})
    shown = rendered(result_view(report(parity=told)), width=200)
    assert "at the shapes 1x5; by 2.0e-02 with inputs in 8 bits" in shown


def test_kernels_that_ran_and_gained_nothing_are_not_called_stock(
    rendered: Callable[..., str],
) -> None:
    ran = latency("model.onnx", 24.0, 1.0).model_copy(update={"kernels": "avx512"})
    shown = rendered(result_view(report(latency=[latency("dense.onnx", 24.0, 1.0), ran])))
    assert "speed: the sparse kernels ran, but" in shown
    assert "dense speed" not in shown


def test_what_was_not_measured_is_not_shown(rendered: Callable[..., str]) -> None:
    bare = report(
        dense=None, dense_onnx=None, sparse=None, sparse_onnx=None, parity=None, latency=[],
        bytes_dense=None, phases=[], warnings=[],
    )  # fmt: skip
    shown = rendered(result_view(bare))
    assert "90.4 MB" in shown
    for word in ("accuracy", "parity", "latency", "time:", "warning", "speed"):
        assert word not in shown


def test_a_share_of_a_metric_that_is_not_positive_means_nothing(
    rendered: Callable[..., str],
) -> None:
    none = Scores(main="matthews", values={"matthews": 0.0})
    assert "kept" not in rendered(
        result_view(report(dense=none, sparse=none, dense_onnx=none, sparse_onnx=none))
    )


def test_a_run_that_is_shown_again_has_its_course(rendered: Callable[..., str]) -> None:
    points = [Point(step=i, values={"accuracy": 0.5 + 0.1 * i}) for i in range(4)]
    tested = SelfTest(
        seconds=0.8, shapes=[[3, 7]], max_output_difference=0.0, max_gradient_difference=1e-9
    )
    told = report(history=points, self_test=tested)
    shown = rendered(report_view(told, History.of_points(points), Path("out"), []))
    assert "accuracy on the validation set" in shown
    assert "accuracy 0.8" in shown
    assert "0.0e+00 in outputs" in shown
    assert shown.endswith(rendered(result_table(report())))
