"""Banks: L2-normalised representations of training rows, by a model that stays as it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from sparsify.errors import Problem

MAPPED_BYTES = 128 * 2**20
"""A bank larger than this stays on disk and is read through a memory map."""


@dataclass(frozen=True)
class Bank:
    """One vector for each of some rows of the training set."""

    vectors: Shaped[Tensor, "rows width"]
    """f16, L2-normalised, in the order of the row numbers."""
    position: Int[Tensor, "all_rows"]
    """Where the vector of a row of the training set is; -1: not encoded."""

    @classmethod
    def kept(
        cls, path: Path, rows: Tensor, count: int, encode: Callable[[], Tensor] | None
    ) -> Bank:
        """The bank in `path`; it is encoded and written there first, if it is not there yet.

        Args:
            path: an .npy file of shape [rows, width].
            rows: the row numbers that the bank covers, ascending, i64.
            count: how many rows the training set has.
            encode: makes the representations, [rows, width]; None: the file must be there.

        Raises:
            Problem: the file is missing or does not fit, so that a run cannot be resumed.
        """
        if not path.exists():
            if encode is None:
                raise Problem("the bank is missing", where=str(path), hint="run without `--resume`")
            vectors = F.normalize(encode().float(), dim=-1).half()
            path.parent.mkdir(parents=True, exist_ok=True)
            draft = path.with_suffix(".part")
            with draft.open("wb") as file:
                np.save(file, vectors.numpy(), allow_pickle=False)
            draft.replace(path)
        large = path.stat().st_size > MAPPED_BYTES
        try:
            # copy-on-write: torch wants memory that it could write to
            array = np.load(path, mmap_mode="c" if large else None, allow_pickle=False)
        except (ValueError, EOFError):
            array = np.empty(0)
        if array.dtype != np.float16 or array.ndim != 2 or len(array) != len(rows):
            raise Problem("the bank is damaged", where=str(path), hint="run without `--resume`")
        position = torch.full((count,), -1)
        position[rows] = torch.arange(len(rows))
        return cls(torch.from_numpy(array), position)

    def find(self, rows: Tensor) -> tuple[Float[Tensor, "found width"], Int[Tensor, "found"]]:
        """The vectors of those of `rows` that were encoded, as f32, and these rows."""
        places = self.position[rows]
        known = places >= 0
        return self.vectors[places[known]].float(), rows[known]

    @property
    def size_bytes(self) -> int:
        return self.vectors.numel() * self.vectors.element_size()
