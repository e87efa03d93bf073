"""How large an ONNX file is, with the weights that lie beside it."""

from __future__ import annotations

import zlib
from pathlib import Path

import onnx

PART = 1 << 20
"""Bytes that are packed at once."""


def file_sizes(path: Path) -> tuple[int, int]:
    """Bytes as they are, and packed by gzip at its fastest."""
    parts = [path, *beside(onnx.load(path, load_external_data=False), path)]
    return sum(part.stat().st_size for part in parts), sum(_packed(part) for part in parts)


def beside(model: onnx.ModelProto, path: Path) -> list[Path]:
    """The files that hold weights of the model at `path`."""
    names = {
        entry.value
        for tensor in model.graph.initializer
        for entry in tensor.external_data
        if entry.key == "location"
    }
    return [path.parent / name for name in sorted(names)]


def _packed(path: Path) -> int:
    packer, size = zlib.compressobj(level=1), 0
    with path.open("rb") as file:
        while part := file.read(PART):
            size += len(packer.compress(part))
    return size + len(packer.flush())
