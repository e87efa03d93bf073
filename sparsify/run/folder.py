"""The folder of a run: who may write there, and what is there already."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import numpy as np
import torch

from sparsify.atomic import write_text
from sparsify.errors import Problem
from sparsify.history import HISTORY, History
from sparsify.report import PAGE, RECIPE, REPORT, WORK

COMMAND = "command.txt"


def examine(output: Path, recipe: str, *, resume: bool, overwrite: bool) -> None:
    """Make sure that a run may write to `output`, without writing anything.

    Args:
        output: the folder of the run.
        recipe: the resolved recipe; only the same one continues an interrupted run.
        resume: continue an interrupted run.
        overwrite: replace what a run left there.

    Raises:
        Problem: it cannot be written to, holds a result, or an interrupted run of another recipe.
    """
    where = str(output)
    nearest = next(each for each in (output, *output.absolute().parents) if each.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        raise Problem("cannot be written to", where=where, hint="choose another `--output`")
    kept = output / WORK / RECIPE
    if resume:
        _require_same(kept, recipe, where)
    elif overwrite:
        return
    elif (output / REPORT).exists():
        raise Problem(
            "holds the result of a run", where=where, hint="add `--overwrite` or `--output`"
        )
    elif kept.exists():
        raise Problem(
            "holds an interrupted run", where=where, hint="add `--resume` or `--overwrite`"
        )


def _require_same(kept: Path, recipe: str, where: str) -> None:
    if not kept.exists():
        raise Problem("holds no interrupted run", where=where, hint="run without `--resume`")
    if kept.read_text() != recipe:
        raise Problem(
            "the interrupted run had another recipe",
            where=str(kept),
            hint="resume with the same recipe and options, or run with `--overwrite`",
        )


def claim(output: Path, recipe: str, *, resume: bool, command: str = "") -> Path:
    """The folder for the unfinished work of a run in `output`: empty, unless it is resumed.

    It holds the recipe, and the `command` that began the run.
    """
    work = output / WORK
    if not resume:
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        keep_recipe(work, recipe)
        if command:
            write_text(work / COMMAND, command + "\n")
    return work


def keep_recipe(folder: Path, recipe: str) -> None:
    """Write the resolved recipe, complete or not at all."""
    write_text(folder / RECIPE, recipe)


def keep_history(output: Path, history: History | None) -> None:
    """Write how training went, if there was any, in place of what an earlier run left."""
    for name in (HISTORY, PAGE):
        (output / name).unlink(missing_ok=True)
    if history is not None:
        history.save(output / HISTORY)


def seed_everything(seed: int) -> None:
    """Seed every global source of random numbers."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
