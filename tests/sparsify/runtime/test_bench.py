"""The bench: what is measured, on which inputs, in which order."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from sparsify.errors import Problem
from sparsify.runtime import bench, session
from sparsify.runtime.dimensions import Dimensions
from sparsify.runtime.footprint import Footprint
from sparsify.runtime.inputs import random_inputs, vocabularies

Write = Callable[..., Path]
WEIGHED = Footprint(load_ms=1.0, load_processor_ms=1.0, memory_mb=2.0, peak_memory_mb=3.0)


@pytest.fixture(autouse=True)
def weighed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process for every file takes seconds: one test is enough."""
    if "really" not in request.node.name:
        monkeypatch.setitem(bench.__globals__, "footprint", lambda *_, **__: WEIGHED)


def test_every_file_gets_a_row_and_the_first_is_the_measure(write: Write) -> None:
    paths = [write("a.onnx"), write("b.onnx")]
    rows = bench(paths, batch=2, sequence=5, threads=1, rounds=4)
    assert [row.file for row in rows] == [str(path) for path in paths]
    assert {(row.batch, row.sequence, row.threads) for row in rows} == {(2, 5, 1)}
    assert rows[0].ratio == 1.0
    assert rows[1].ratio == pytest.approx(rows[0].median_ms / rows[1].median_ms)
    assert all(row.median_ms > 0 and row.spread_ms >= 0 for row in rows)
    assert [row.kernels for row in rows] == ["stock", "stock"]
    assert [row.size_bytes for row in rows] == [path.stat().st_size for path in paths]
    assert all(0 < row.gzip_bytes < row.size_bytes and row.load_ms == 1.0 for row in rows)


def test_the_order_rotates(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []

    class Watched:
        def __init__(self, path: Path) -> None:
            self.path, self.real = path, session(path)

        def get_inputs(self) -> object:
            return self.real.get_inputs()

        def run(self, names: None, feed: dict[str, np.ndarray]) -> object:
            order.append(self.path.stem)
            return self.real.run(names, feed)

    monkeypatch.setitem(bench.__globals__, "session", lambda path, threads: Watched(path))
    paths = [write(f"{name}.onnx") for name in "abc"]
    bench(paths, rounds=3, warmup=1)
    assert "".join(order) == "abc" + "abc" + "bca" + "cab"


def test_the_time_is_kept_but_three_rounds_are_timed(write: Write) -> None:
    done: list[tuple[int, int]] = []
    bench([write()], rounds=1000, seconds=0, progress=lambda *state: done.append(state))
    assert done == [(1, 1000), (2, 1000), (3, 1000)]


def test_ids_stay_inside_the_smallest_embedding(write: Write) -> None:
    paths = [write("large.onnx", rows=50), write("small.onnx", rows=3)]
    sessions = [session(path) for path in paths]
    found = random_inputs(paths, sessions, Dimensions(20, 30))
    assert vocabularies(paths[1]) == {"input_ids": 3}
    assert found["input_ids"].shape == (20, 30)
    assert set(found["input_ids"].ravel()) == {0, 1, 2}


def test_ids_that_are_turned_before_they_are_looked_up_stay_inside_the_embedding(
    write: Write,
) -> None:
    path = write(rows=5)
    model = onnx.load(path)
    model.graph.node[0].input[1] = "turned"
    model.graph.node.insert(0, helper.make_node("Transpose", ["input_ids"], ["turned"]))
    onnx.save(model, path)
    assert vocabularies(path) == {"input_ids": 5}


def test_inputs_of_every_type_are_made_up(tmp_path: Path) -> None:
    kinds = {
        "attention_mask": (TensorProto.INT64, ["batch", "sequence"]),
        "float_mask": (TensorProto.FLOAT, ["batch", 1, "sequence"]),
        "flags": (TensorProto.BOOL, ["batch"]),
        "ids": (TensorProto.INT32, ["batch", "sequence"]),
        "pixels": (TensorProto.FLOAT16, ["batch", 3]),
    }
    infos = [helper.make_tensor_value_info(n, kind, shape) for n, (kind, shape) in kinds.items()]
    nodes = [helper.make_node("Identity", [name], [f"{name}_out"]) for name in kinds]
    outputs = [
        helper.make_tensor_value_info(f"{n}_out", kind, shape) for n, (kind, shape) in kinds.items()
    ]
    graph = helper.make_graph(nodes, "types", infos, outputs)
    path = tmp_path / "types.onnx"
    opsets = [helper.make_opsetid("", 18)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=9), path)
    found = random_inputs([path], [session(path)], Dimensions(2, 5))
    assert {name: (value.shape, value.dtype.name) for name, value in found.items()} == {
        "attention_mask": ((2, 5), "int64"),
        "float_mask": ((2, 1, 5), "float32"),
        "flags": ((2,), "bool"),
        "ids": ((2, 5), "int32"),
        "pixels": ((2, 3), "float16"),
    }
    assert found["attention_mask"].all()
    assert set(found["ids"].ravel()) == {0, 1}


def test_a_size_that_the_file_cannot_take_is_named(write: Write) -> None:
    path = write()
    model = onnx.load(path)
    model.graph.node[0].input[0] = "input_ids"
    model.graph.node[0].input[1] = "axis"
    model.graph.node[1].op_type = "Cast"
    del model.graph.node[1].input[1:], model.graph.node[1].attribute[:]
    model.graph.node[1].attribute.append(helper.make_attribute("to", TensorProto.FLOAT))
    onnx.save(model, path)
    assert bench([path], batch=2, rounds=1)
    with pytest.raises(Problem) as caught:
        bench([path], batch=1, sequence=8)
    assert str(caught.value).startswith(f"{path}: does not run at batch 1, sequence 8: ")


def picture(path: Path, *axes: str | None) -> Path:
    """A file that takes floats of such dimensions and returns them."""
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, axes) for n in ("pixels", "same")]
    node = helper.make_node("Identity", ["pixels"], ["same"])
    graph = helper.make_graph([node], "picture", ends[:1], ends[1:])
    opsets = [helper.make_opsetid("", 18)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=9), path)
    return path


def test_a_dimension_that_is_no_batch_and_no_sequence_has_to_be_given(tmp_path: Path) -> None:
    path = picture(tmp_path / "a.onnx", "batch", "height", None)
    with pytest.raises(Problem) as caught:
        bench([path])
    assert str(caught.value) == (
        "the input 'pixels' has a dimension 'height' that may be of any size; add --dim height=N"
    )
    with pytest.raises(Problem, match=r"a dimension 'pixels\.2' that may be of any size"):
        bench([path], sizes={"height": 4})
    (row,) = bench([path], sizes={"height": 4, "pixels.2": 6}, rounds=1)
    assert row.sizes == {"height": 4, "pixels.2": 6}
    with pytest.raises(Problem) as caught:
        bench([path], sizes={"hight": 4})
    assert str(caught.value) == "--dim: no dimension named 'hight'; did you mean 'height'?"


def test_a_dimension_that_is_called_a_sequence_is_one_wherever_it_stands(tmp_path: Path) -> None:
    path = picture(tmp_path / "a.onnx", "batch", "heads", "seq_len", "total_sequence")
    found = random_inputs([path], [session(path)], Dimensions(2, 5, {"heads": 3}))
    assert found["pixels"].shape == (2, 3, 5, 5)


def test_a_file_is_really_weighed_in_a_process_of_its_own(write: Write) -> None:
    (row,) = bench([write(rows=500_000)], rounds=1)
    assert row.load_ms > 0
    assert 4 < row.memory_mb <= row.peak_memory_mb < 200
