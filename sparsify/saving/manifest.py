"""`sparsify.json`: what a folder's weights belong to, and what became of the model's structure."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from sparsify.errors import Problem

MANIFEST = "sparsify.json"
WEIGHTS = "model.safetensors"
INPUTS = "inputs.safetensors"
VERSION = 1


class Part(BaseModel):
    """A part of the manifest; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Saved(Part):
    """One tensor of `model.safetensors`."""

    shape: list[int]
    dtype: str


class Change(Part):
    """One edit of the structure, to be done again on the model as it is built."""

    kind: str
    what: Any


class Manifest(Part):
    """Everything beside the numbers that is needed to have the program back."""

    version: int
    architecture: str = ""
    """The class in transformers that `config.json` belongs to; empty for a module of the user's."""
    factory: str = ""
    """`package.module:function` that builds the module, where it came from there."""
    dynamic: dict[str, dict[int, str]]
    """The named dimensions of each of the inputs, which lie in `inputs.safetensors`."""
    opaque: list[str] = []
    """Submodules that are called as they are."""
    edits: list[Change] = []
    masks: list[str] = []
    """The masked weights; what their masks zero is zero in the weights as well."""
    tensors: dict[str, Saved]
    shared: dict[str, str] = {}
    """Further name of a tensor -> the name it is saved under."""
    removed: list[str] = []
    """Parameters of the model that went with its structure; empty tensors hold their names."""
    outputs: list[tuple[float, float]]
    """For each output on the inputs: its length, and its product with a fixed wave."""
    digests: dict[str, str]
    """File -> its SHA-256."""
    versions: dict[str, str]


def write(folder: Path, manifest: Manifest) -> None:
    """Write the manifest, complete or not at all."""
    draft = folder / f"{MANIFEST}.part"
    # one line a key: lists of indices may be long
    said = manifest.model_dump(mode="json").items()
    lines = ",\n".join(f'"{key}": {json.dumps(value)}' for key, value in said)
    draft.write_text(f"{{\n{lines}\n}}\n")
    draft.replace(folder / MANIFEST)


def read(folder: Path) -> Manifest:
    """The manifest of `folder`, whose files are as they were written.

    Raises:
        Problem: a file is missing, damaged, or from a later version.
    """
    path = folder / MANIFEST
    try:
        content = json.loads(path.read_text())
        if isinstance(content, dict) and content.get("version", VERSION) > VERSION:
            raise Problem(
                f"was written by a later version of sparsify ({content['version']})",
                where=str(path),
                hint="upgrade sparsify",
            )
        found = Manifest.model_validate(content)
    except FileNotFoundError:
        raise Problem("no such file", where=str(path)) from None
    except (ValidationError, ValueError, TypeError):
        raise Problem("is damaged", where=str(path), hint="copy the folder again") from None
    for name, expected in found.digests.items():
        if not (folder / name).is_file():
            raise Problem("is missing", where=str(folder / name), hint="copy the folder again")
        if digest(folder / name) != expected:
            raise Problem("is damaged", where=str(folder / name), hint="copy the folder again")
    return found


def digest(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
