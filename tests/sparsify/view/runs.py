"""A run with everything that a report can hold."""

from __future__ import annotations

import math
from typing import Any

from sparsify.history import History
from sparsify.report import (
    Cost,
    Latency,
    Parity,
    PassReport,
    Phase,
    RunReport,
    Scores,
    SelfTest,
    Speed,
    StoredWeight,
)  # fmt: skip

NAMES = ("encoder.0.query.weight", "encoder.0.up.weight", "embeddings.weight")


def report(**changes: Any) -> RunReport:
    values: dict[str, Any] = {
        "recipe": "cap-movement-90",
        "model": "package://encoder/model",
        "seed": 42,
        "command": "sparsify run cap-movement-90 --output 'out/a <b>'",
        "versions": {"torch": "2.13.0", "onnxruntime": "1.31.1"},
        "machine": {"processor": "AMD EPYC", "torch_threads": "1"},
        "pruned_sparsity": 0.9,
        "weights": {NAMES[0]: 0.9, NAMES[1]: 0.9},
        "dense": Scores(main="accuracy", values={"f1": 0.85, "accuracy": 0.8681}),
        "dense_onnx": Scores(main="accuracy", values={"f1": 0.85, "accuracy": 0.8681}),
        "sparse": Scores(main="accuracy", values={"f1": 0.79, "accuracy": 0.8073}),
        "sparse_onnx": Scores(main="accuracy", values={"f1": 0.79, "accuracy": 0.8073}),
        "dense_cost": cost(22_713_986, 1_415_577_600),
        "sparse_cost": cost(22_713_986, 141_557_760),
        "stored": stored(),
        "parity": Parity(
            max_abs_difference=3e-7, tolerance=1e-4, shapes=[[1, 5], [3, 17]], kernels="avx512"
        ),
        "stock_parity": Parity(max_abs_difference=4e-7, tolerance=1e-4, shapes=[[1, 5]]),
        "bytes_dense": 90_400_000,
        "bytes_sparse": 54_300_000,
        "latency": [timed("dense.onnx", 24.31, 1.0), timed("model.onnx", 12.05, 24.31 / 12.05)],
        "self_test": SelfTest(
            seconds=0.5, shapes=[[3, 7]], max_output_difference=0.0, max_gradient_difference=0.0
        ),
        "phases": [
            Phase(name="teacher", seconds=374.2, peak_memory_mb=1800.0),
            Phase(name="train", seconds=1334.0, peak_memory_mb=2410.0),
        ],
        "passes": [
            a_pass("insert-masks", 0.0335, (288, 360), left={NAMES[2]: "no weight of a product"}),
            a_pass("prune", 0.0574, (360, 360), facts={"planned_sparsity_fraction": 0.9}),
        ],
        "notes": ["the classifier is new"],
        "warnings": ["99% of the predictions are class 0: the model has collapsed."],
    }
    return RunReport(**(values | changes))


def cost(parameters: int, macs: int) -> Cost:
    return Cost(
        batch=1, sequence=128, parameters=parameters, zeros=0, dense_macs=1_415_577_600, macs=macs,
        size_bytes=4 * parameters,
    )  # fmt: skip


def stored() -> list[StoredWeight]:
    speed = Speed(tokens=128, dense_ms=2.5, sparse_ms=0.5)
    given: dict[str, Any] = {"shape": (384, 384), "dense_bytes": 589_824}
    return [
        StoredWeight(
            name=NAMES[2], sparsity=0.0, form="dense", reason="no product", stored_bytes=589_824,
            **given,
        ),
        StoredWeight(
            name=NAMES[0], sparsity=0.9, form="gaps u8", reason="faster", stored_bytes=73_000,
            predicted=speed, measured=speed, **given,
        ),
    ]  # fmt: skip


def timed(file: str, median_ms: float, ratio: float) -> Latency:
    return Latency(
        file=file, median_ms=median_ms, spread_ms=0.2, ratio=ratio, threads=2, batch=1,
        sequence=64, kernels="avx512", size_bytes=90_400_000, gzip_bytes=80_000_000, load_ms=81.0,
        memory_mb=140.0,
    )  # fmt: skip


def a_pass(tag: str, seconds: float, nodes: tuple[int, int], **told: Any) -> PassReport:
    did = dict.fromkeys(NAMES[:2], "masked, 147,456 weights")
    values = {"did": did, "left": {}, "facts": {}, "options": {}, **told}
    return PassReport(
        tag=tag, seconds=seconds, nodes=nodes, parameters=(22_713_986, 22_713_986), **values
    )


def history() -> History:
    made = History(steps=600)
    for step in range(3, 601, 3):
        losses = {"task_loss": 0.05 + 2 / step, "distill_loss": 0.4, "contrast_loss": 1.4}
        planned = 0.9 * (1 - (1 - min(1, step / 450)) ** 3)
        made.training.add(step, {**losses, "planned_sparsity_fraction": planned})
    for step in range(8, 601, 8):
        reached = 0.9 * (1 - (1 - min(1, step / 450)) ** 3)
        shares = {"sparsity_fraction": reached, "mask_churn_fraction": math.exp(-step / 90) / 20}
        made.masks.add(step, shares)
        made.weights.add(step, {NAMES[0]: reached, NAMES[1]: reached})
    for step in range(60, 601, 60):
        made.evaluations.add(step, {"accuracy": 0.7 + step / 6000, "f1": 0.7})
    return made
