"""Who may write to the folder of a run, and what each refusal says."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import torch

from sparsify.errors import Problem
from sparsify.run import folder
from sparsify.run.folder import WORK, claim, seed_everything

RECIPE = "passes: [clean]\n"


def refused(output: Path, recipe: str = RECIPE, **options: bool) -> str:
    options = {"resume": False, "overwrite": False, **options}
    with pytest.raises(Problem) as caught:
        claim(output, recipe, **options)
    return str(caught.value)


def claimed(output: Path, recipe: str = RECIPE, **options: bool) -> Path:
    return claim(output, recipe, **{"resume": False, "overwrite": False, **options})


def test_a_new_folder_is_made_with_the_recipe_in_it(tmp_path: Path) -> None:
    work = claimed(tmp_path / "a" / "b")
    assert work == tmp_path / "a" / "b" / WORK
    assert [(path.name, path.read_text()) for path in work.iterdir()] == [("recipe.yaml", RECIPE)]


def test_a_folder_of_other_files_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    claimed(tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"
    claimed(tmp_path, overwrite=True)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_an_interrupted_run_goes_on_with_its_recipe(tmp_path: Path) -> None:
    work = claimed(tmp_path)
    (work / "state").write_text("half")
    assert claimed(tmp_path, resume=True) == work
    assert (work / "state").read_text() == "half"


def test_overwriting_begins_anew(tmp_path: Path) -> None:
    (claimed(tmp_path) / "state").write_text("half")
    (tmp_path / "report.json").write_text("{}")
    work = claimed(tmp_path, "other\n", overwrite=True)
    assert [path.name for path in work.iterdir()] == ["recipe.yaml"]
    assert (work / "recipe.yaml").read_text() == "other\n"


def test_nothing_to_resume(tmp_path: Path) -> None:
    assert refused(tmp_path, resume=True) == (
        f"{tmp_path}: nothing to resume; run without `--resume`"
    )
    assert list(tmp_path.iterdir()) == []


def test_another_recipe_does_not_go_on(tmp_path: Path) -> None:
    work = claimed(tmp_path)
    assert refused(tmp_path, "other\n", resume=True) == (
        f"{work / 'recipe.yaml'}: the interrupted run had another recipe; "
        "resume with that file and the same options, or run with `--overwrite`"
    )
    assert (work / "recipe.yaml").read_text() == RECIPE


def test_a_result_is_not_lost_by_mistake(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text("{}")
    assert refused(tmp_path) == (
        f"{tmp_path}: holds the result of a run; add `--overwrite` or `--output`"
    )


def test_an_interrupted_run_is_not_lost_by_mistake(tmp_path: Path) -> None:
    claimed(tmp_path)
    assert refused(tmp_path) == (
        f"{tmp_path}: holds an interrupted run; add `--resume` or `--overwrite`"
    )


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for options in ({}, {"overwrite": True}):
        assert refused(tmp_path / "file", **options).endswith("; choose another `--output`")
    assert refused(tmp_path / "file") == (
        f"{tmp_path / 'file'}: cannot be written to (not a directory); choose another `--output`"
    )


def test_a_folder_that_may_not_be_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder.os, "access", lambda *_: False)
    assert refused(tmp_path) == f"{tmp_path}: cannot be written to; choose another `--output`"


def test_a_seed_fixes_every_source_of_chance() -> None:
    def draw() -> tuple[float, float, float]:
        return random.random(), float(np.random.rand()), float(torch.rand(()))

    seed_everything(3)
    first = draw()
    seed_everything(3)
    assert draw() == first
    seed_everything(4)
    assert draw() != first
