"""Every shipped recipe is planned on a small model, and trained for a few steps where it trains."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from sparsify import schema
from sparsify.errors import Problem
from sparsify.pipeline import apply
from sparsify.program import Program
from sparsify.recipe import Recipe
from sparsify.run.calibration import stand_in
from sparsify.schema.library import BuiltIn, expected, library
from sparsify.training import Session
from tests.sparsify.conftest import Answer
from tests.sparsify.programs import program
from tests.sparsify.training.runs import run, session, tensors

LIBRARY = {each.name: each for each in library()}
TRAINED = [name for name, each in LIBRARY.items() if "training data" in each.needs]
DENSE = {"dense-finetune", "export-f16", "export-int8"}
"""Recipes that are there to be compared with, or to store."""


def read(name: str) -> Recipe:
    """A recipe, for a model of two layers."""
    return schema.read(name, ["vars.count=1"] if name.startswith("drop-layers") else []).recipe


@pytest.fixture(scope="module")
def encoder() -> Program:
    return program("bert")


def applied(recipe: Recipe, encoder: Program, *, samples: bool) -> Program:
    """A copy of `encoder` after the recipe's passes, and what they would do while training."""
    found = encoder.clone()
    found.samples = stand_in(found) if samples else ()
    apply(recipe.passes, found)
    for duty in found.plan.duties:
        duty.rehearse()
    return found


@pytest.mark.parametrize("name", sorted(LIBRARY))
def test_every_recipe_can_be_planned(name: str, encoder: Program) -> None:
    found = applied(read(name), encoder, samples=True)
    smaller = found.parameter_count() < encoder.parameter_count()
    zeros = any(bool((mask == 0).any()) for mask in found.masks().values())
    # what soft thresholds and what the zeros of a given model leave, only training shows
    waits = any(each.tag == "soft-prune" for each in read(name).passes)
    assert smaller or zeros or waits or name in DENSE | {"sparse-finetune"}


@pytest.mark.parametrize("name", sorted(set(LIBRARY) - set(TRAINED)))
def test_a_recipe_needs_samples_or_does_not(name: str, encoder: Program) -> None:
    if "samples" in LIBRARY[name].needs:
        with pytest.raises(Problem, match="there is nothing to calibrate on"):
            applied(read(name), encoder, samples=False)
    else:
        applied(read(name), encoder, samples=False)


@pytest.mark.parametrize("name", TRAINED)
def test_what_trains_can_be_trained_and_resumes_bit_for_bit(name: str, tmp_path: Path) -> None:
    found = ready(name, tmp_path)
    trained(found)
    sparse = any(bool((mask == 0).any()) for mask in found.student.masks().values())
    soft = any(each.tag in ("soft-prune", "drop-layers") for each in read(name).passes)
    assert sparse or soft or name in DENSE | {"sparse-finetune"}
    # as if it had been interrupted after the first checkpoint
    shutil.rmtree(tmp_path / "checkpoint-4")
    again = ready(name, tmp_path)
    trained(again, resume=True)
    expected = tensors(found.student)
    assert all(torch.equal(each, expected[n]) for n, each in tensors(again.student).items())


@pytest.mark.parametrize("name", ["cap-movement-90", "cap-first-order-90", "obert-gradual-90"])
def test_what_trains_can_be_trained_in_bf16(name: str, tmp_path: Path) -> None:
    found = ready(name, tmp_path)
    found.precision = "bf16"
    trained(found)
    assert all(bool(each.isfinite().all()) for each in tensors(found.student).values())
    assert any(bool((mask == 0).any()) for mask in found.student.masks().values())


def ready(name: str, folder: Path) -> Session:
    """A session of four steps, the same on every call."""
    found = session(folder, *read(name).passes, steps=4)
    found.student.samples = stand_in(found.student)
    return found


def trained(found: Session, *, resume: bool = False) -> None:
    run(found, resume=resume, evaluate_every=4, checkpoint_every=2)


def test_there_are_many_and_their_names_say_method_and_detail() -> None:
    assert len(LIBRARY) >= 20
    odd = [name for name in LIBRARY if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", name)]
    assert odd == ["demo"]


@pytest.mark.parametrize("each", LIBRARY.values(), ids=lambda each: each.name)
def test_what_is_expected_has_figures_or_was_not_measured(each: BuiltIn) -> None:
    assert each.expected == "not measured yet" or re.search(r"\d", each.expected)


def test_only_the_head_of_a_recipe_says_what_is_expected() -> None:
    assert expected("# Purpose.\n# Expected: 0.9 of 1.\npasses: []\n") == "0.9 of 1."
    assert expected("passes: []\n# Expected: 0.9 of 1.\n") == "not measured yet"


@pytest.mark.parametrize("columns", ["80", "120"])
def test_the_list_fits_and_is_grouped(
    call: Callable[..., Answer], monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    shown = call("recipes").out
    assert max(map(len, shown.splitlines())) <= int(columns)
    titles = re.findall(r"^needs (.+?) *$", shown, re.MULTILINE)
    assert titles == [
        "nothing but a model", "samples", "training data", "training data, teacher"
    ]  # fmt: skip
    assert all(f" {name} " in shown for name in LIBRARY)


def test_one_recipe_is_printed_as_it_is_or_resolved(call: Callable[..., Answer]) -> None:
    path = schema.recipe_folder() / "demo.yaml"
    assert call("recipes", "demo").out == path.read_text()
    resolved: Any = yaml.safe_load(call("recipes", "demo", "--resolved").out)
    assert resolved["passes"][0] == "clean"
    assert "extends" not in resolved
    facts = json.loads(call("recipes", "demo", "--json").out)
    assert facts["needs"] == ["training data", "teacher"]
    assert facts["text"] == path.read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["dmo"], "no recipe named 'dmo'; did you mean 'demo'?"),
        (["--resolved"], "--resolved: resolves one recipe; name it"),
    ],
)
def test_a_recipe_that_is_not_there(
    call: Callable[..., Answer], arguments: list[str], message: str
) -> None:
    found = call("recipes", *arguments)
    assert (found.code, found.err) == (2, f"error: {message}\n")
