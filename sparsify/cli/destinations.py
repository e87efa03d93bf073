"""Files that the user names for a verb to write: looked at before anything takes long."""

from __future__ import annotations

import os
from pathlib import Path

from sparsify.errors import Problem


def require_writable(path: Path, option: str) -> None:
    """Hold the file that `option` names to what can be written.

    Raises:
        Problem: it is a folder, its folder is missing, or nothing may be written there.
    """
    where = f"{option} {path}"
    if path.is_dir():
        raise Problem("is a folder", where=where, hint="name a file")
    if not path.parent.is_dir():
        raise Problem("there is no such folder", where=where, hint="make it, or name another")
    if not os.access(path.parent, os.W_OK):
        raise Problem("cannot be written to", where=where, hint="name another folder")
