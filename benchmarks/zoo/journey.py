"""A model goes through all steps: what passes, what fails and why, what is not reached."""

from __future__ import annotations

import logging
import re
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from benchmarks.zoo.configs import ROWS
from benchmarks.zoo.outcome import Outcome
from benchmarks.zoo.specimen import Specimen
from benchmarks.zoo.steps import STEPS, Step

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
LONGEST = 300
"""Letters of a reason."""


def travel(row: str, tell: Callable[[Outcome], object]) -> None:
    """Take the model called `row` through all steps; `tell` hears of each when it is done."""
    missing = set()
    with tempfile.TemporaryDirectory() as folder, _quiet():
        model = next(each for each in ROWS if each.name == row).make()
        specimen = Specimen(row, model, Path(folder))
        for step in STEPS:
            if step.needs in missing:
                missing.add(step.name)
                tell(Outcome(row, step.name, "not reached"))
                continue
            started = time.perf_counter()
            outcome = _tried(row, step, specimen)
            if outcome.verdict == "failed":
                missing.add(step.name)
            tell(replace(outcome, seconds=round(time.perf_counter() - started, 3)))


def _tried(row: str, step: Step, specimen: Specimen) -> Outcome:
    try:
        says = step.run(specimen)
    except Exception as error:  # whatever is wrong with a model is what we are here to find out
        return Outcome(row, step.name, "failed", reason(error))
    return Outcome(row, step.name, "passed", says=says or "")


def reason(error: BaseException) -> str:
    """What was wrong in the first place, in one line."""
    while error.__cause__ is not None:
        error = error.__cause__
    says = COLOUR.sub("", str(error)).strip().partition("\n")[0]
    ours = type(error).__module__.startswith("sparsify.")
    return (says if ours else f"{type(error).__name__}: {says}")[:LONGEST]


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence what libraries say while they fail; the reason is told all the same."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.disable(logging.CRITICAL)
        try:
            yield
        finally:
            logging.disable(logging.NOTSET)
