"""Opaque submodules are exported where torch can; where it cannot, the line to blame is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from torch import nn

from sparsify import export
from sparsify.capture import capture
from sparsify.errors import Problem
from tests.sparsify.capture.test_opaque import DYNAMIC, Moody, Whole, example


def test_a_submodule_that_no_graph_holds_is_a_problem(tmp_path: Path) -> None:
    program = capture(Whole(), example(), DYNAMIC, opaque=["moods.*"])
    with pytest.raises(Problem) as caught:
        export.emit(program, tmp_path / "model.onnx", opset=20)
    line = Moody.forward.__code__.co_firstlineno + 2
    assert str(caught.value).startswith(
        f"moods.0, test_opaque.py:{line}: an opaque submodule cannot be written as ONNX: "
    )
    assert not list(tmp_path.iterdir())


def test_others_are_written_whole(tmp_path: Path) -> None:
    calm = Whole()
    calm.moods = nn.ModuleList()
    program = capture(calm, example(), DYNAMIC, opaque=["first"])
    path = tmp_path / "model.onnx"
    export.emit(program, path, opset=20)
    export.require(export.parity(program, path, tolerance=1e-4))
