"""Files that are there complete or not at all, and the folders that they go to."""

from __future__ import annotations

from pathlib import Path

from sparsify.errors import Problem


def write_text(path: Path, text: str) -> None:
    """Write `text` in UTF-8 to `path`, under another name until it is complete."""
    draft = path.with_name(path.name + ".part")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


def make_folder(folder: Path | str) -> Path:
    """The folder, made where it is missing.

    Raises:
        Problem: it cannot be made, or is a file.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = (error.strerror or "refused").lower()
        raise Problem(f"cannot be written to ({reason})", where=str(folder)) from None
    return folder
