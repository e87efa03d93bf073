"""Tasks from the command line: recipe, training, both runtimes, the saved model, and its views."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoModelForQuestionAnswering

from sparsify.report import RunReport
from tests.sparsify import tiny

QUICK = (
    "--set", "capture.check=false", "--set", "export.bench=false", "--set",
    "export.lowering=dense", "--set", "vars.steps=4", "--set", "vars.teacher_steps=4", "--set",
    "train.batch=4", "--set", "data.calibration_rows=4", "--set", "data.max_length=32",
    "--quiet",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARSIFY_CACHE", str(tmp_path / "cache"))


def same(report: RunReport, *names: str) -> None:
    """The same metrics in PyTorch and in ONNX Runtime, of the dense and of the sparse model."""
    for torch_side, onnx_side in (
        (report.dense, report.dense_onnx),
        (report.sparse, report.sparse_onnx),
    ):
        assert torch_side is not None
        assert onnx_side is not None
        assert torch_side.main == names[0]
        assert list(torch_side.values) == list(names)
        assert onnx_side.values == pytest.approx(torch_side.values, rel=1e-4)


def test_answers_in_a_text(call: Callable[..., Any], tmp_path: Path) -> None:
    tiny.save("bert", tmp_path / "model")
    words = "b c d e f g h"
    row = {"question": "a", "context": words, "answers": {"text": ["d e"], "answer_start": [4]}}
    (tmp_path / "rows.jsonl").write_text("\n".join([json.dumps(row)] * 24))
    sets = ("--set", "data.train=rows.jsonl", "--set", "data.doc_stride=8")
    planned = call("plan", "cap-movement-qa-90", "--model", "model", *QUICK, *sets)
    assert planned.code == 0, planned.err
    made = call("run", "cap-movement-qa-90", "--model", "model", "--output", "out", *QUICK, *sets)
    assert made.code == 0, made.err
    report = RunReport.load(tmp_path / "out" / "report.json")
    same(report, "f1", "exact_match")
    assert report.pruned_sparsity == pytest.approx(0.9, abs=0.001)
    loaded = AutoModelForQuestionAnswering.from_pretrained(tmp_path / "out")
    assert loaded.qa_outputs.weight.shape == (2, 32)
    assert "question-answering" in (tmp_path / "out" / "README.md").read_text()
    shown = call("show", "out")
    assert "exact_match, ONNX Runtime" in shown.out
