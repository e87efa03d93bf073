"""The result of one run, as a file: what came out, at what cost, and how it was made."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks import results
from sparsify.errors import Problem


@dataclass(frozen=True)
class Outcome:
    """One run. Scores are metrics from 0 to 1, in ONNX Runtime, by the rows they were taken on."""

    task: str
    budget: str
    method: str
    sparsity: float
    """That was asked for."""
    seed: int
    zeros: float | None
    """The share of zeros in the pruned weights; None: they were removed."""
    macs: float
    """Multiply-accumulates that are left, as a share of the dense model's."""
    main: str
    """The metric that decides."""
    sparse: dict[str, dict[str, float]]
    """`dev`: the official rows; `held-out`: rows of train that no model of this seed has seen."""
    dense: dict[str, dict[str, float]]
    """The same of the teacher."""
    rows: dict[str, int]
    teacher: str
    """A digest of the dense model's file: equal for runs that had the very same teacher."""
    steps: int
    wall_s: float
    cpu_s: float
    train_wall_s: float
    resumed: bool
    """Whether the times are those of the last part only."""
    history: list[dict[str, float]]
    warnings: list[str]
    recipe: str
    """Resolved; files are named from the folder of the data or of the work."""
    command: str
    date: str
    machine: dict[str, str]
    versions: dict[str, str]

    @property
    def name(self) -> str:
        return f"{self.method}-{100 * self.sparsity:g}-seed{self.seed}"

    def score(self, rows: str) -> float:
        """The deciding metric of the sparse model."""
        return self.sparse[rows][self.main]

    def dense_score(self, rows: str) -> float:
        return self.dense[rows][self.main]

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        results.write(folder / f"{self.name}.json", json.dumps(asdict(self), indent=1) + "\n")


def read(folder: Path) -> list[Outcome]:
    """All results in `folder`, by name.

    Raises:
        Problem: a file is none.
    """
    return [_read(path) for path in sorted(folder.glob("*.json"))]


def _read(path: Path) -> Outcome:
    try:
        found: dict[str, Any] = json.loads(path.read_text())
        return Outcome(**found)
    except (json.JSONDecodeError, TypeError) as error:
        raise Problem(f"no result of a run ({error})", where=str(path)) from None
