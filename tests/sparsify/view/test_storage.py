"""How weights are stored: few rows, whatever the model's depth."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from expecttest import assert_expected_inline

from sparsify.report import Exported, Parity, Speed, StoredWeight
from sparsify.view.export import export_view
from sparsify.view.storage import storage_table


def stored(
    name: str,
    shape: tuple[int, int],
    sparsity: float,
    form: str = "dense",
    reason: str = "it has no zeros",
    share: float = 1.0,
    predicted: float | None = None,
    measured: float | None = None,
) -> StoredWeight:
    size = 4 * shape[0] * shape[1]
    speeds = [
        ratio and Speed(tokens=32, dense_ms=ratio, sparse_ms=1.0) for ratio in (predicted, measured)
    ]
    return StoredWeight(
        name=name, shape=shape, sparsity=sparsity, form=form, reason=reason, dense_bytes=size,
        stored_bytes=round(size * share), predicted=speeds[0], measured=speeds[1],
    )  # fmt: skip


WEIGHTS = [
    stored("words", (9000, 384), 0.0, reason="no linear layer reads it"),
    stored("key", (384, 384), 0.86, "gaps u8", "86% sparse: 3.0x as fast", 0.2, 3.0),
    stored("query", (384, 384), 0.94, "gaps u8", "94% sparse: 4.0x as fast", 0.1, 4.0),
    stored("up", (1536, 384), 0.5, "csr u16", "50% sparse: 1.2x as fast", 0.7, 1.1, 1.2),
    stored(
        "down", (384, 1536), 0.42,
        reason="42% sparse: below the break-even of 48% for this shape", predicted=0.9,
    ),
    stored(
        "other", (384, 1536), 0.44,
        reason="44% sparse: below the break-even of 48% for this shape", predicted=0.95,
    ),
    stored("positions", (512, 384), 0.0, reason="no linear layer reads it"),
]  # fmt: skip


def test_what_is_alike_is_one_row(rendered: Callable[..., str]) -> None:
    assert_expected_inline(
        rendered(storage_table(WEIGHTS), encoding="ascii"),
        """\
+------------------------------------------------------------------------------+
|weights       |  zeros | stored as |           bytes | layer at 32 tokens     |
|--------------+--------+-----------+-----------------+------------------------|
|2 of 384x384  | 86-94% | gaps u8   | 15.0% of 1.2 MB | 3.5x, predicted        |
|up            |    50% | csr u16   | 70.0% of 2.4 MB | 1.2x, timed            |
|2 of 384x1536 | 42-44% | dense     |          4.7 MB | below the break-even of|
|              |        |           |                 | 48%                    |
|2 weights     |     0% | dense     |         14.6 MB | no linear layer reads  |
|              |        |           |                 | it                     |
+------------------------------------------------------------------------------+""",
    )


def test_an_export_says_that_both_worlds_were_compared(rendered: Callable[..., str]) -> None:
    parity = Parity(max_abs_difference=2e-6, tolerance=1e-4, shapes=[[1, 5]], kernels="avx2")
    alone = parity.model_copy(update={"max_abs_difference": 1e-6, "kernels": "stock"})
    made = Exported(stored=WEIGHTS[:1], parity=parity, stock_parity=alone)
    shown = rendered(export_view(made, Path("out"), ["model.onnx"]), width=120)
    assert "differ by at most 2.0e-06, 1.0e-06 without the sparse kernels (allowed 1e-04)" in shown
    assert "words" in shown
