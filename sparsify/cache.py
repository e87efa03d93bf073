"""Where what took long to make is kept for later runs."""

from __future__ import annotations

import os
from pathlib import Path


def cache() -> Path:
    """$SPARSIFY_CACHE, or `sparsify` in the user's cache."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(os.environ.get("SPARSIFY_CACHE") or Path(base) / "sparsify")
