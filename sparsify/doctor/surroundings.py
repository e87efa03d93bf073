"""Switches of the network, folders and recipes."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from sparsify import plugins
from sparsify.cache import cache
from sparsify.doctor.finding import Finding
from sparsify.shipped import builtin_recipes, recipe_folder

OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE")
PLACES = ("HF_HOME", "HF_ENDPOINT", "SPARSIFY_CACHE")
LEAST_FREE_BYTES = 2_000_000_000
"""What a run of a small model writes with its checkpoints."""


def network() -> Iterator[Finding]:
    for name in (*OFFLINE, *PLACES):
        yield Finding(name=name, value=os.environ.get(name, "not set"))


def storage() -> Iterator[Finding]:
    yield kept(cache())
    yield room(shutil.disk_usage(Path.cwd()).free)
    yield Finding(name="executable", value=sys.executable)
    count, folder = len(builtin_recipes()), recipe_folder()
    yield Finding(
        name="recipes",
        value=f"{count} in {folder}",
        wrong="" if count else f"no built-in recipe is found in {folder}",
        cure="" if count else "install the package again",
        broken=not count,
    )
    yield Finding(name="plugins", value=", ".join(plugins.load()))


def kept(folder: Path) -> Finding:
    """The cache: where it is, its size, and whether it can be written."""
    size = sum(each.stat().st_size for each in folder.rglob("*") if each.is_file())
    value = f"{folder}, {size / 1e6:.1f} MB"
    above = next(each for each in (folder, *folder.parents) if each.exists())
    if above.is_dir() and os.access(above, os.W_OK):
        return Finding(name="cache", value=value)
    return Finding(
        name="cache",
        value=value,
        wrong=f"{above} is no folder that can be written to, so teachers cannot be kept",
        cure="set SPARSIFY_CACHE to a folder of yours",
        broken=True,
    )


def room(free_bytes: int) -> Finding:
    """What is left on the disk of the working folder."""
    value = f"{free_bytes / 1e9:.1f} GB"
    if free_bytes >= LEAST_FREE_BYTES:
        return Finding(name="free space here", value=value)
    return Finding(
        name="free space here",
        value=value,
        wrong=f"{value} may not be enough for a run and its checkpoints",
        cure="make room, or choose another folder with --output",
    )
