"""Who looks on while something runs: every event that a terminal or a log may show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sparsify.history import History
    from sparsify.pipeline import Step


class Watch:
    """Looks on and says nothing; a view overrides what it shows."""

    def phase(self, name: str) -> None:
        """A phase starts: `teacher`, `capture`, `passes`, `train`, `export`, `check`, `bench`."""

    def passed(self, step: Step) -> None:
        """One pass ran."""

    def begin(self, task: str, total: int, done: int = 0) -> None:
        """`task` starts, or goes on with `done` of its `total` steps, batches or rounds."""

    def advance(self, task: str, done: int, facts: Mapping[str, float]) -> None:
        """`done` units of `task` are done; `facts` are its numbers now, the unit in the name."""

    def follow(self, history: History) -> None:
        """Training begins or goes on; `history` grows with it, before `advance` tells of a step."""

    def evaluated(self, step: int, values: Mapping[str, float]) -> None:
        """The student was evaluated after `step` optimizer steps."""

    def warn(self, sentence: str) -> None:
        """Something that the user should know."""

    def note(self, sentence: str) -> None:
        """Something that the user may like to know."""
