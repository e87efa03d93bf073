"""Every shipped recipe that trains takes three steps on a tiny model, and prunes it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sparsify import schema
from sparsify.pipeline import apply
from sparsify.run.clock import Clock
from sparsify.run.setup import prepare
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


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("toy")
    tiny.save("bert", folder / "model")
    rows = [f"{'ab'[row % 2]} {'cdefgh'[row % 6]} {'cd'[row % 2]}\t{row % 2}" for row in range(40)]
    (folder / "rows.tsv").write_text("\n".join(["sentence\tlabel", *rows]) + "\n")
    return folder


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_trains(name: str, toy: Path, tmp_path: Path) -> None:
    settings = [
        f"model={toy / 'model'}",
        f"data.train={toy / 'rows.tsv'}",
        "data.calibration_rows=4",
        "capture.check=false",
        "vars.steps=3",
        "train.batch=4",
    ]
    if name == "drop-layers-kd":
        settings.append("vars.count=1")
    recipe = schema.read(name, settings).recipe
    assert recipe.train is not None
    setup = prepare(recipe, Clock(Watch()))
    teacher = setup.program.clone()
    apply(recipe.passes, setup.program)
    of_run = session(setup.program, teacher, setup, recipe.train, tmp_path, 0, Watch())
    history = train(of_run, recipe.train, task_weight=recipe.train.task_weight, seed=0)
    assert history[-1].step == 3
    for parameter in setup.program.module.parameters():
        assert bool(torch.isfinite(parameter).all())
    before = teacher.parameter_count()
    apply(recipe.export.passes, setup.program)
    zeros = sum(int((p == 0).sum()) for p in setup.program.module.parameters() if p.ndim > 1)
    # a threshold needs more steps until scores have fallen below it
    assert zeros > 500 or "soft" in name or setup.program.parameter_count() < 0.9 * before
