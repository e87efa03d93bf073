"""One pass, run twice on one model, and everything that was seen of it."""

from __future__ import annotations

import contextlib
import io
import traceback
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from sparsify.contract.models import subject
from sparsify.errors import Problem
from sparsify.pipeline import Pass, Report
from sparsify.program import Program
from sparsify.sameness import Witness
from sparsify.text import to_text

State = tuple[str, dict[str, Tensor]]


@dataclass
class Trial:
    """What one pass did to one model."""

    each: Pass
    model: str
    program: Program = field(init=False)
    before: Program = field(init=False)
    report: Report | None = None
    """None: the pass did not come to its end."""
    refused: str = ""
    """The problem that it told instead of running."""
    fault: str = ""
    """What it raised, where that was no problem of the user's."""
    printed: str = ""
    agrees: bool = True
    """Whether outputs are what they were, for a pass that promises it."""
    once: State = field(init=False)
    twice: State | None = None
    """None: it refused to run again."""

    def __post_init__(self) -> None:
        self.program, self.before = subject(self.model), subject(self.model)
        witness = Witness(self.program, self.each.tolerance) if self.each.exact else None
        self.report = self._run()
        self.once = state(self.program)
        if self.report is None:
            return
        if witness is not None:
            self.agrees = witness.agrees(self.program)
        again = self._run()
        self.twice = None if again is None else state(self.program)

    def _run(self) -> Report | None:
        said = io.StringIO()
        try:
            with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
                report = self.each.run(self.program)
        except Problem as problem:
            self.refused = self.refused or (str(problem) if self.report is None else "")
            return None
        except Exception as error:  # a stranger's code may fail in any way, and is told so
            last = traceback.extract_tb(error.__traceback__)[-1]
            first = str(error).partition("\n")[0]
            self.fault = (
                f"{type(error).__name__}: {first} ({Path(last.filename).name}:{last.lineno})"
            )
            return None
        finally:
            self.printed += said.getvalue()
        self.program.module.recompile()
        return report


def state(program: Program) -> State:
    """A program as text, and copies of its tensors."""
    tensors = {name: each.detach().clone() for name, each in program.module.state_dict().items()}
    return to_text(program), tensors


def difference(first: State, second: State) -> str:
    """What differs between two states, or empty."""
    if first[0] != second[0]:
        lines = zip(first[0].splitlines(), second[0].splitlines(), strict=False)
        changed = (new.split() for old, new in lines if old != new)
        return f"the line of {next(changed, ['the graph'])[0]}"
    if first[1].keys() != second[1].keys():
        return f"the tensor {min(first[1].keys() ^ second[1].keys())!r}"
    for name, tensor in first[1].items():
        if not torch.equal(tensor, second[1][name]):
            return f"the numbers of {name!r}"
    return ""
