"""What a result is worth: zeros, and the task's metrics in PyTorch and in ONNX Runtime."""

from __future__ import annotations

from pathlib import Path

import torch

from sparsify.data import Encoded
from sparsify.errors import CheckFailed
from sparsify.program import Program
from sparsify.report import RunReport, Scores
from sparsify.run.setup import Setup
from sparsify.runtime import logits
from sparsify.runtime import session as open_onnx
from sparsify.training.reading import by_length, judged
from sparsify.watch import Watch
from sparsify.zeros import share_of_zeros, zero_count


def measure_zeros(report: RunReport, program: Program, names: list[str]) -> None:
    """Note the share of zeros in each of the weights `names`, and in all of them.

    Weights that went with their layer are left out; so are all of them where what was pruned was
    removed, and no zero is left.
    """
    there = {str(node.target) for node in program.parameters()}
    tensors = {name: program.tensor(name) for name in names if name in there}
    if program.edits and not any(map(zero_count, tensors.values())):
        return
    report.weights = {name: share_of_zeros(t) for name, t in tensors.items()}
    total = sum(t.numel() for t in tensors.values())
    if total:
        report.pruned_sparsity = sum(map(zero_count, tensors.values())) / total


def evaluate_both(report: RunReport, setup: Setup, dense: Program, watch: Watch) -> None:
    """Note the metrics of the dense and the sparse program, and warn of a collapse."""
    if setup.validation is None:
        return
    report.dense = judged(dense, setup.validation, "fp32").scores()
    judge = judged(setup.program, setup.validation, "fp32")
    report.sparse = judge.scores()
    if sentence := judge.collapsed():
        report.warnings.append(sentence)
        watch.warn(sentence)


def onnx_scores(validation: Encoded, path: Path) -> Scores:
    """The metrics in ONNX Runtime, over the same rows in the same batches as in PyTorch."""
    judge, session = validation.judge(), open_onnx(path)
    for rows in by_length(validation.lengths, validation.tokens_at_once):
        judge.see(rows, torch.from_numpy(logits(session, validation.batch(rows))))
    return judge.scores()


def hold_to_floor(report: RunReport, floor: float) -> None:
    """Hold the sparse model's main metric, in ONNX Runtime, to a share of the dense one.

    Raises:
        CheckFailed: it keeps less.
    """
    if report.dense is None or report.sparse_onnx is None:
        return
    main, kept = report.dense.main, report.sparse_onnx.kept(report.dense)
    if kept < floor:
        raise CheckFailed(
            f"the sparse model keeps {kept:.1%} of the dense {main}, "
            f"less than train.accuracy_floor {floor:.1%}"
        )
