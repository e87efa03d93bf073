"""The compiled library: found, up to date, and in step with the runtime that loads it."""

from __future__ import annotations

import ctypes
import re
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from sparsify.errors import Problem
from sparsify.runtime import library, session
from sparsify.runtime.kernel import build
from sparsify.runtime.session import kernels_of
from tests.sparsify.runtime.layers import layer, stored, tensors

needs_library = pytest.mark.skipif(bool(library.missing_library()), reason="it is not compiled")
POSITIONS = {
    name: int(number)
    for name, number in re.findall(r"k(\w+) = (\d+),", (build.FOLDER / "abi.h").read_text())
}


class ApiBase(ctypes.Structure):
    _fields_ = [("get_api", ctypes.c_void_p), ("get_version", ctypes.c_void_p)]


@pytest.fixture(scope="module")
def runtime() -> ApiBase:
    """What every version of ONNX Runtime exports."""
    folder = Path(onnxruntime.__file__).parent / "capi"
    names = [*folder.glob("libonnxruntime.so*"), *folder.glob("onnxruntime_pybind11_state*.so")]
    shared = ctypes.CDLL(str(names[0]))
    shared.OrtGetApiBase.restype = ctypes.POINTER(ApiBase)
    base: ApiBase = shared.OrtGetApiBase().contents
    return base


def entry(runtime: ApiBase, position: int, result: object, *arguments: object) -> object:
    """The function at a position of the table of version 17."""
    get = ctypes.CFUNCTYPE(ctypes.POINTER(ctypes.c_void_p), ctypes.c_uint32)(runtime.get_api)
    return ctypes.CFUNCTYPE(result, *arguments)(get(17)[position])  # type: ignore[arg-type]


def test_the_runtime_is_the_one_that_python_sees(runtime: ApiBase) -> None:
    version = ctypes.CFUNCTYPE(ctypes.c_char_p)(runtime.get_version)()
    assert version.decode() == onnxruntime.__version__


def test_the_positions_in_the_table_are_those_of_the_runtime(runtime: ApiBase) -> None:
    create = entry(
        runtime, POSITIONS["CreateStatus"], ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p
    )
    status = create(2, b"wide of the mark")
    code = entry(runtime, 1, ctypes.c_int, ctypes.c_void_p)
    message = entry(runtime, 2, ctypes.c_char_p, ctypes.c_void_p)
    assert (code(status), message(status)) == (2, b"wide of the mark")
    entry(runtime, POSITIONS["ReleaseStatus"], None, ctypes.c_void_p)(status)
    domain = ctypes.c_void_p()
    made = entry(
        runtime, POSITIONS["CreateCustomOpDomain"], ctypes.c_void_p, ctypes.c_char_p,
        ctypes.POINTER(ctypes.c_void_p),
    )  # fmt: skip
    assert made(b"test.domain", ctypes.byref(domain)) is None
    assert domain.value


def test_a_version_of_the_future_is_not_there(runtime: ApiBase) -> None:
    get = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_uint32)(runtime.get_api)
    assert get(17)
    assert not get(10_000)


@needs_library
def test_the_library_is_compiled_from_these_sources() -> None:
    assert library.built_from() == build.digest(), "run: python sparsify/runtime/kernel/build.py"


@needs_library
def test_the_kernels_of_this_processor_have_a_name() -> None:
    assert library.kernels() in ("portable", "avx2", "avx512", "avx512vnni")
    assert library.library_path() == str(build.LIBRARY)


def test_a_library_that_is_missing_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(library, "LIBRARY", tmp_path / "none.so")
    monkeypatch.setattr(library, "compiler", lambda: None)
    assert library.kernels() == "stock"
    with pytest.raises(Problem) as caught:
        library.library_path()
    assert str(caught.value) == (
        "the sparse kernels were not compiled, so sparse weights run dense: install g++, then "
        "the package again"
    )


def test_without_a_compiler_building_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(build, "compiler", lambda: None)
    with pytest.raises(build.CannotCompile, match=r"there is no C\+\+ compiler"):
        build.build_library(tmp_path / "library.so")


@needs_library
def test_a_session_takes_the_kernels_where_the_file_needs_them(tmp_path: Path) -> None:
    path = tmp_path / "layer.onnx"
    path.write_bytes(layer(tensors(stored(np.eye(8, dtype=np.float32))), (8, 8)))
    assert kernels_of(path) == library.kernels()
    feed = {"x": np.ones((1, 8), np.float32)}
    for sparse in (True, False):
        assert session(path, sparse=sparse).run(None, feed)[0].tolist() == [[1.0] * 8]


def test_a_file_without_the_kernels_runs_all_the_same(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(library, "LIBRARY", tmp_path / "none.so")
    path = tmp_path / "layer.onnx"
    path.write_bytes(layer(tensors(stored(np.eye(8, dtype=np.float32))), (8, 8)))
    assert kernels_of(path) == "stock"
    feed = {"x": np.ones((1, 8), np.float32)}
    for named in (path, str(path)):
        assert session(named).run(None, feed)[0].tolist() == [[1.0] * 8]
