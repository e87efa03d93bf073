"""Opening and running ONNX files; every mistake in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from sparsify.errors import Problem
from sparsify.export import inspect_onnx
from sparsify.runtime import bench, logits, physical_cores, run, session

Write = Callable[..., Path]


def test_logits_are_the_first_output_where_none_has_the_name(write: Write) -> None:
    opened = session(write(), threads=1)
    batch = {"input_ids": torch.tensor([[0], [1]]), "unused": torch.zeros(1)}
    assert logits(opened, batch).tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert logits(opened, {"input_ids": np.array([[2]])}).tolist() == [[8, 9, 10, 11]]


def test_a_missing_input_is_named(write: Write) -> None:
    with pytest.raises(Problem) as caught:
        run(session(write()), {"pixels": np.zeros(1)})
    assert str(caught.value) == "the ONNX file needs an input 'input_ids'; given: pixels"


def test_no_more_threads_than_cores_are_the_default() -> None:
    assert physical_cores() >= 1


def _missing(path: Path) -> None:
    path.unlink()


def _text(path: Path) -> None:
    path.write_text("these are words\n")


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:150])


def _empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("read", [session, inspect_onnx, lambda path: bench([path])])
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_missing, "no such file"),
        (_text, "not an ONNX file, or cut off"),
        (_cut, "not an ONNX file, or cut off"),
        (_empty, "not an ONNX file, or cut off"),
    ],
)
def test_a_bad_file_is_named(
    write: Write, spoil: Callable[[Path], None], message: str, read: Callable[[Path], object]
) -> None:
    path = write()
    spoil(path)
    with pytest.raises(Problem) as caught:
        read(path)
    assert str(caught.value) == f"{path}: {message}"


def test_what_onnx_runtime_refuses_is_told_without_its_codes(write: Write) -> None:
    path = write()
    model = onnx.load(path)
    model.graph.node[0].op_type = "Nonsense"
    onnx.save(model, path)
    with pytest.raises(Problem) as caught:
        session(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ONNX Runtime refuses it: This is an invalid model.")
    assert "Nonsense" in message
    assert "\n" not in message


def test_weights_that_are_missing_beside_the_file_are_named(write: Write) -> None:
    path = write()
    onnx.save(onnx.load(path), path, save_as_external_data=True, location="w", size_threshold=100)
    (path.parent / "w").unlink()
    with pytest.raises(Problem) as caught:
        inspect_onnx(path)
    assert str(caught.value) == f"{path}: its weights are missing: w; keep both in one folder"
    with pytest.raises(Problem) as caught:
        session(path)
    assert "ONNX Runtime refuses it: External data path validation failed" in str(caught.value)
