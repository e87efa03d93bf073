"""What was found out about the models of the zoo: one outcome a model and step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Outcome:
    """One step of one model."""

    row: str
    step: str
    verdict: Literal["passed", "failed", "not reached"]
    """`not reached`: a step that it starts from had failed."""
    reason: str = ""
    """Why it failed, in one line."""
    says: str = ""
    """What was seen when it passed."""
    seconds: float = 0.0
