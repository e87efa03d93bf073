"""Results as JSON files: the cases, and on what and how they were measured."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.case import Case
from benchmarks.shapes import SEED
from sparsify.atomic import write_text
from sparsify.errors import Problem
from sparsify.run.surroundings import machine, versions

FOLDER = Path(__file__).parent / "results"


def path_of(bench: str) -> Path:
    """Where today's result of a benchmark is kept."""
    return FOLDER / f"{bench}-{date.today().isoformat()}.json"


def save(path: Path, bench: str, cases: Sequence[Case], *, quick: bool) -> None:
    """Keep the cases with the machine, the versions, the seed and the command."""
    command = f"python -m benchmarks {bench}{' --quick' if quick else ''}"
    keep(path, bench, command, {"cases": [asdict(case) for case in cases]})


def keep(path: Path, bench: str, command: str, found: dict[str, Any]) -> dict[str, Any]:
    """Write what was found, and on what and how; returns what was written."""
    result = {
        "bench": bench,
        "date": date.today().isoformat(),
        "command": command,
        "seed": SEED,
        "machine": machine(),
        "versions": versions(),
        **found,
    }
    write(path, json.dumps(result, indent=2) + "\n")
    return result


def latest(folder: Path, bench: str) -> dict[str, Any] | None:
    """The newest result of a benchmark by the date in its name; None: there is none.

    Raises:
        Problem: the file is no result.
    """
    paths = sorted(folder.glob(f"{bench}-*.json"))
    if not paths:
        return None
    try:
        found: dict[str, Any] = json.loads(paths[-1].read_text())
    except json.JSONDecodeError as error:
        raise Problem(f"no JSON: {error}", where=str(paths[-1])) from None
    return found


def write(path: Path, text: str) -> None:
    """Write all of `text`, or nothing."""
    path.parent.mkdir(exist_ok=True)
    write_text(path, text)
