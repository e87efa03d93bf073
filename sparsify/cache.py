"""Where what took long to make is kept for later runs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def cache() -> Path:
    """$SPARSIFY_CACHE, or `sparsify` in the user's cache."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(os.environ.get("SPARSIFY_CACHE") or Path(base) / "sparsify")


def kept_tensors(path: Path) -> dict[str, Tensor] | None:
    """What `keep_tensors` wrote to `path`; None where it did not, or a damaged file was removed."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except FileNotFoundError:
        return None
    except SafetensorError:
        path.unlink()
        return None


def keep_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write `tensors` to `path`, whole or not at all, whatever other processes write there."""
    from safetensors.torch import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{os.getpid()}.part")
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, draft)
    draft.replace(path)
