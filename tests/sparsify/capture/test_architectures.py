"""Models of every kind come through capture as themselves, and from their saved folder."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from benchmarks.zoo.configs import ROWS
from sparsify.capture import capture
from sparsify.models import Source, example_inputs, load_model
from sparsify.recipe import Model
from sparsify.self_test import self_test
from sparsify.verify import verify

MAKE = {row.name: row.make for row in ROWS}
KINDS = {
    "deberta-v2 / question-answering": ["batch", "sequence"],
    "layoutlm / sequence-classification": ["batch", "sequence"],
    "qwen2 / causal-lm": ["batch", "sequence"],
    "mixtral / causal-lm": ["batch", "sequence"],
    "t5 / seq2seq-lm": ["batch", "decoder_sequence", "sequence"],
    "bart / sequence-classification": ["batch", "sequence"],
    "whisper / speech-seq2seq-lm": ["batch", "decoder_sequence"],
    "swin / image-classification": ["batch"],
    "wav2vec2 / audio-classification": ["batch", "samples"],
    "audio-spectrogram-transformer / audio-classification": ["batch"],
    "clip / no-head": ["batch", "sequence"],
    "own / nn.MultiheadAttention": ["batch", "sequence"],
    "own / einsum": ["batch", "sequence"],
}
"""Rows of the zoo -> the dimensions that stay free."""


@pytest.mark.parametrize("name", KINDS)
def test_the_graph_equals_the_model_and_its_dimensions_stay_free(name: str) -> None:
    model = MAKE[name]()
    config = getattr(model, "config", None)
    program = capture(model, *example_inputs(Source(model, config, None, name, None)))
    found = self_test(model, program)
    assert max(found.max_output_difference, found.max_gradient_difference) <= 1e-5
    assert len(found.shapes) == 2
    labels = {label for dims in program.dynamic.values() for label in dims.values()}
    assert sorted(labels) == KINDS[name]
    verify(program, after="capture")


@pytest.mark.parametrize(
    "name",
    ["vit / image-classification", "bart / question-answering", "wav2vec2 / ctc", "clip / no-head"],
)
def test_a_saved_folder_comes_back_as_the_class_that_it_names(name: str, tmp_path: Path) -> None:
    model = MAKE[name]()
    model.save_pretrained(tmp_path)
    source = load_model(Model(path=str(tmp_path)))
    assert type(source.module) is type(model)
    inputs, _ = example_inputs(source)
    with torch.no_grad():
        expected, found = model(**inputs), source.module.eval()(**inputs)
    assert torch.equal(expected[0], found[0])
