"""Every shipped recipe that trains takes three steps on a tiny model, and prunes it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from sparsify import schema
from sparsify.pipeline import apply
from sparsify.run.clock import Clock
from sparsify.run.setup import Setup, prepare
from sparsify.run.teacher import session
from sparsify.training import train
from sparsify.watch import Watch
from tests.sparsify import tiny

NEEDS_MORE = {"demo"}
"""The demonstration's text and model are its own; `make demo` runs it."""
RECIPES = [
    name
    for name in schema.builtin_recipes()
    if name not in NEEDS_MORE and schema.read(name).recipe.train is not None
]


PRUNES = {"Prune", "Obert", "DropLayers"}
"""`SoftPrune` needs more steps, until scores have fallen below its threshold."""
SETTINGS = ["data.calibration_rows=4", "capture.check=false", "vars.steps=3", "train.batch=4"]


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Setup:
    """A captured tiny model and its data, as every recipe would prepare them."""
    folder = tmp_path_factory.mktemp("toy")
    tiny.save("bert", folder / "model")
    rows = [f"{'ab'[row % 2]} {'cdefgh'[row % 6]} {'cd'[row % 2]}\t{row % 2}" for row in range(40)]
    (folder / "rows.tsv").write_text("\n".join(["sentence\tlabel", *rows]) + "\n")
    files = [f"model={folder / 'model'}", f"data.train={folder / 'rows.tsv'}"]
    return prepare(schema.read(RECIPES[0], [*SETTINGS, *files]).recipe, Clock(Watch()))


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_trains(name: str, toy: Setup, tmp_path: Path) -> None:
    fewer = ["vars.count=1"] if name == "drop-layers-kd" else []
    recipe = schema.read(name, [*SETTINGS, *fewer]).recipe
    assert recipe.train is not None
    setup = replace(toy, program=toy.program.clone())
    apply(recipe.passes, setup.program)
    of_run = session(setup.program, toy.program, setup, recipe.train, tmp_path, 0, Watch())
    history = train(of_run, recipe.train, task_weight=recipe.train.task_weight, seed=0)
    assert history[-1].step == 3
    for parameter in setup.program.module.parameters():
        assert bool(torch.isfinite(parameter).all())
    apply(recipe.export.passes, setup.program)
    zeros = sum(int((p == 0).sum()) for p in setup.program.module.parameters() if p.ndim > 1)
    is_smaller = setup.program.parameter_count() < 0.9 * toy.program.parameter_count()
    prunes = any(type(each).__name__ in PRUNES for each in recipe.passes)
    assert not prunes or zeros > 500 or is_smaller
