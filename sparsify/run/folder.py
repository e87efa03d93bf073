"""The folder of a run: who may write there, and what is there already."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import numpy as np
import torch

from sparsify.errors import Problem

WORK = "work"
"""Checkpoints and banks, until the run is complete."""


def claim(output: Path, recipe: str, *, resume: bool, overwrite: bool) -> Path:
    """Make sure that `output` may be written to, and return its folder for unfinished work.

    Args:
        output: the folder of the run; made if it is not there.
        recipe: the resolved recipe, kept beside the work so that only the same one continues it.
        resume: continue an interrupted run.
        overwrite: delete what a run left there.

    Raises:
        Problem: it cannot be written to, holds a run, or an interrupted one of another recipe.
    """
    work = output / WORK
    kept = work / "recipe.yaml"
    if resume:
        if not kept.exists():
            raise Problem("nothing to resume", where=str(output), hint="run without `--resume`")
        if kept.read_text() != recipe:
            raise Problem(
                "the interrupted run had another recipe",
                where=str(kept),
                hint="resume with that file and the same options, or run with `--overwrite`",
            )
        return work
    if output.is_dir() and overwrite:
        shutil.rmtree(work, ignore_errors=True)
    elif (output / "report.json").exists():
        raise Problem(
            "holds the result of a run", where=str(output), hint="add `--overwrite` or `--output`"
        )
    elif work.exists():
        raise Problem(
            "holds an interrupted run", where=str(output), hint="add `--resume` or `--overwrite`"
        )
    try:
        work.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Problem(
            f"cannot be written to ({(error.strerror or 'refused').lower()})",
            where=str(output),
            hint="choose another `--output`",
        ) from None
    if not os.access(output, os.W_OK):
        raise Problem("cannot be written to", where=str(output), hint="choose another `--output`")
    draft = kept.with_suffix(".part")
    draft.write_text(recipe)
    draft.replace(kept)
    return work


def seed_everything(seed: int) -> None:
    """Seed every global source of random numbers."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
