"""The recipes that are shipped: what each is for, what it needs, what came of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from pydantic import BaseModel

from sparsify import plugins
from sparsify.kinds import Chosen
from sparsify.pipeline import Pass
from sparsify.recipe import Recipe
from sparsify.schema.compose import load
from sparsify.schema.find import purpose, text_of
from sparsify.schema.validate import validate
from sparsify.schema.variables import substitute
from sparsify.shipped import builtin_recipes

Need = Literal["samples", "training data", "teacher"]
NEEDS: tuple[Need, ...] = ("teacher", "training data", "samples")
"""What costs most comes first."""
MEASURED_ON_SAMPLES = {"gradient", "input_norm", "unit_gradients"}
"""What a criterion may be given that is measured on samples of the data."""
EXPECTED = re.compile(r"# Expected: (.+)")
NOT_MEASURED = "not measured yet"


class BuiltIn(BaseModel):
    """A recipe that is shipped."""

    name: str
    purpose: str
    needs: list[Need]
    """Beside a model; nothing: it works on any."""
    expected: str
    """What a real run gave, from the line `# Expected:` before its first key."""


def library() -> list[BuiltIn]:
    """Every shipped recipe: those without data first, then those with samples, then with training.

    What they need is read off their passes and sections, so that it cannot be wrong.
    """
    plugins.load()
    found = [describe(name, path) for name, path in builtin_recipes().items()]
    return sorted(found, key=lambda each: ([need in each.needs for need in NEEDS], each.name))


def describe(name: str, path: Path) -> BuiltIn:
    """One recipe; the plugins are loaded already."""
    recipe = validate(substitute(load(path)))
    return BuiltIn(
        name=name, purpose=purpose(path), needs=needs(recipe), expected=expected(text_of(path))
    )


def needs(recipe: Recipe) -> list[Need]:
    """What must be given beside the model."""
    found: list[Need] = []
    if recipe.train is not None:
        found.append("training data")
    elif any(calibrates(each) for each in recipe.passes):
        found.append("samples")
    if recipe.teacher is not None and recipe.train is not None:
        found.append("teacher")
    return found


def calibrates(step: Pass) -> bool:
    """Whether a pass measures something on samples of the data."""
    chosen = (getattr(step, name) for name in type(step).model_fields)
    return step.calibrates or any(
        isinstance(each, Chosen) and MEASURED_ON_SAMPLES & set(each.needs) for each in chosen
    )


def expected(text: str) -> str:
    """What the head of a recipe says of its outcome."""
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        if found := EXPECTED.match(line):
            return found[1]
    return NOT_MEASURED
