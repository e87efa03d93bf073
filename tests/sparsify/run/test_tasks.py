"""Tasks from the command line: recipe, training, both runtimes, the saved model, and its views."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    AutoModelForQuestionAnswering,
    AutoModelForTokenClassification,
)

from sparsify.report import RunReport
from tests.sparsify import tiny

ONESHOT = (
    "--set", "capture.check=false", "--set", "export.bench=false", "--set",
    "export.lowering=dense", "--set", "data.calibration_rows=4", "--set", "data.max_length=32",
    "--quiet",
)  # fmt: skip
QUICK = (
    *ONESHOT, "--set", "vars.steps=4", "--set", "vars.teacher_steps=4", "--set", "train.batch=4",
)  # fmt: skip
KINDS = {"text-generation": AutoModelForCausalLM, "fill-mask": AutoModelForMaskedLM}


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


def test_tags_of_words(call: Callable[..., Any], tmp_path: Path) -> None:
    tiny.save("bert", tmp_path / "model")
    (tmp_path / "rows.conll").write_text("a B-X\nb I-X\nc O\n\nd O\na B-X\n\n" * 12)
    sets = ("--set", "data.train=rows.conll", "--set", "data.task=token-classification")
    made = call("run", "magnitude-kd-90", "--model", "model", "--output", "out", *QUICK, *sets)
    assert made.code == 0, made.err
    report = RunReport.load(tmp_path / "out" / "report.json")
    same(report, "f1", "precision", "recall", "accuracy")
    loaded = AutoModelForTokenClassification.from_pretrained(tmp_path / "out")
    assert loaded.config.id2label == {0: "B-X", 1: "I-X", 2: "O"}


@pytest.mark.parametrize(
    ("recipe", "task", "kind"),
    [
        ("wanda-oneshot-50", "text-generation", "gpt2"),
        ("obert-oneshot-50", "fill-mask", "bert"),
    ],
)
def test_language_models_at_once(
    recipe: str, task: str, kind: str, call: Callable[..., Any], tmp_path: Path
) -> None:
    torch.manual_seed(0)
    KINDS[task].from_config(tiny.config(kind)).save_pretrained(tmp_path / "model")
    words = tiny.tokenizer(model_input_names=["input_ids", "attention_mask"])
    words.mask_token = "[UNK]"
    words.save_pretrained(tmp_path / "model")
    (tmp_path / "text.txt").write_text("a b c d e f g h\n" * 40)
    sets = ("--set", "data.train=text.txt", "--set", f"data.task={task}")
    made = call("run", recipe, "--model", "model", "--output", "out", *ONESHOT, *sets)
    assert made.code == 0, made.err
    report = RunReport.load(tmp_path / "out" / "report.json")
    same(report, "perplexity", "accuracy")
    assert report.pruned_sparsity == pytest.approx(0.5, abs=0.01)
    assert report.dense is not None
    assert report.sparse is not None
    assert 5 < report.dense.values["perplexity"] < 100
    assert report.dense.values != report.sparse.values


def test_a_model_that_sees_the_next_token_cannot_guess_it(
    call: Callable[..., Any], tmp_path: Path
) -> None:
    tiny.save("bert", tmp_path / "model")
    sets = ("--set", "data.train=text.txt", "--set", "data.task=text-generation")
    said = call("plan", "wanda-oneshot-50", "--model", "model", *sets)
    assert said.code == 2
    assert said.err.splitlines()[-1].strip() == (
        "error: model: 'bert' sees the tokens that it would have to guess; "
        "set data.task to fill-mask"
    )
