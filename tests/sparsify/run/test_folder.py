"""Who may write to the folder of a run, and what each refusal says."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import torch

from sparsify.errors import Problem
from sparsify.run import folder
from sparsify.run.folder import WORK, claim, examine, seed_everything

RECIPE = "passes: [clean]\n"


def look(output: Path, recipe: str = RECIPE, **options: bool) -> None:
    examine(output, recipe, **{"resume": False, "overwrite": False, **options})


def refused(output: Path, recipe: str = RECIPE, **options: bool) -> str:
    with pytest.raises(Problem) as caught:
        look(output, recipe, **options)
    return str(caught.value)


def test_a_new_folder_is_made_with_the_recipe_in_it(tmp_path: Path) -> None:
    output = tmp_path / "a" / "b"
    look(output)
    assert not (tmp_path / "a").exists()
    work = claim(output, RECIPE, resume=False)
    assert work == output / WORK
    assert [(path.name, path.read_text()) for path in work.iterdir()] == [("recipe.yaml", RECIPE)]


def test_a_folder_of_other_files_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    for overwrite in (False, True):
        look(tmp_path, overwrite=overwrite)
        claim(tmp_path, RECIPE, resume=False)
        assert (tmp_path / "notes.txt").read_text() == "mine"
        look(tmp_path, resume=True)


def test_an_interrupted_run_goes_on_with_its_recipe(tmp_path: Path) -> None:
    work = claim(tmp_path, RECIPE, resume=False)
    (work / "state").write_text("half")
    look(tmp_path, resume=True)
    assert claim(tmp_path, RECIPE, resume=True) == work
    assert (work / "state").read_text() == "half"


def test_overwriting_begins_anew(tmp_path: Path) -> None:
    (claim(tmp_path, RECIPE, resume=False) / "state").write_text("half")
    (tmp_path / "report.json").write_text("{}")
    look(tmp_path, "other\n", overwrite=True)
    work = claim(tmp_path, "other\n", resume=False)
    assert [path.name for path in work.iterdir()] == ["recipe.yaml"]
    assert (work / "recipe.yaml").read_text() == "other\n"


def test_nothing_to_resume(tmp_path: Path) -> None:
    assert refused(tmp_path, resume=True) == (
        f"{tmp_path}: holds no interrupted run; run without `--resume`"
    )
    assert list(tmp_path.iterdir()) == []


def test_another_recipe_does_not_go_on(tmp_path: Path) -> None:
    kept = claim(tmp_path, RECIPE, resume=False) / "recipe.yaml"
    assert refused(tmp_path, "other\n", resume=True) == (
        f"{kept}: the interrupted run had another recipe; "
        "resume with the same recipe and options, or run with `--overwrite`"
    )
    assert kept.read_text() == RECIPE


def test_a_result_is_not_lost_by_mistake(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text("{}")
    assert refused(tmp_path) == (
        f"{tmp_path}: holds the result of a run; add `--overwrite` or `--output`"
    )


def test_an_interrupted_run_is_not_lost_by_mistake(tmp_path: Path) -> None:
    claim(tmp_path, RECIPE, resume=False)
    assert refused(tmp_path) == (
        f"{tmp_path}: holds an interrupted run; add `--resume` or `--overwrite`"
    )


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for output in (tmp_path / "file", tmp_path / "file" / "below"):
        for overwrite in (False, True):
            assert refused(output, overwrite=overwrite) == (
                f"{output}: cannot be written to; choose another `--output`"
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
