"""Checkpoints that are whole: sealed with the digests of their files when all are written."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from sparsify.errors import Problem

SEAL = "sealed.json"


def seal(folder: Path) -> None:
    """Declare `folder` complete: write the digest of each of its files, under a final name."""
    digests = {path.name: digest(path) for path in sorted(folder.iterdir()) if path.is_file()}
    draft = folder / f"{SEAL}.part"
    draft.write_text(json.dumps(digests, indent=2))
    draft.replace(folder / SEAL)


def is_sealed(folder: Path) -> bool:
    """Whether `folder` was written to its end."""
    return (folder / SEAL).is_file()


def require(folder: Path) -> None:
    """Hold the files of a sealed folder to their digests.

    Raises:
        Problem: a file is missing or was changed since.
    """
    try:
        digests = json.loads((folder / SEAL).read_text())
    except json.JSONDecodeError:
        digests = {SEAL: ""}
    for name, expected in digests.items():
        path = folder / name
        if not path.is_file() or digest(path) != expected:
            raise Problem(
                "the checkpoint is damaged",
                where=str(path),
                hint=f"delete {folder.name} to resume from the one before it",
            )


def latest(folder: Path) -> Path | None:
    """The sealed checkpoint of the most steps in `folder`; None when there is none."""
    found = [path for path in folder.glob("checkpoint-*") if is_sealed(path)]
    return max(found, key=lambda path: int(path.name.rpartition("-")[2]), default=None)


def digest(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
