"""Which operators an ONNX file needs, without reading its weights."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx import OperatorSetIdProto

DOMAIN = "ai.sparsify"
"""Of the operators that the sparse kernels compute."""
OPSET_IMPORT = 8
"""The number of this field in a ModelProto."""
VARINT, FIXED_64, BYTES, FIXED_32 = 0, 1, 2, 5


def domains(path: Path) -> set[str]:
    """The domains of operators that the file imports; empty for what is no ONNX file."""
    with path.open("rb") as file:
        try:
            return {found.domain for found in _imports(file, path.stat().st_size)}
        except (ValueError, DecodeError):
            return set()


def _imports(file: BinaryIO, size: int) -> Iterator[OperatorSetIdProto]:
    while file.tell() < size:
        field, kind = divmod(_varint(file), 8)
        if kind == VARINT:
            _varint(file)
        elif kind in (FIXED_64, FIXED_32):
            file.seek(8 if kind == FIXED_64 else 4, 1)
        elif kind == BYTES:
            length = _varint(file)
            if field == OPSET_IMPORT:
                yield OperatorSetIdProto.FromString(file.read(length))
            else:
                file.seek(length, 1)
        else:
            raise ValueError("no protocol buffer")


def _varint(file: BinaryIO) -> int:
    number = 0
    for shift in range(0, 70, 7):
        byte = file.read(1)
        if not byte:
            break
        number |= (byte[0] & 127) << shift
        if byte[0] < 128:
            return number
    raise ValueError("no protocol buffer")
