"""The dense fine-tuned model: given, found in the cache, or made here."""

from __future__ import annotations

import hashlib
import json
import shutil
from importlib.metadata import version
from pathlib import Path

import torch

from sparsify.cache import cache, keep_tensors, kept_tensors
from sparsify.data import batches_by_length
from sparsify.data.language import Masked
from sparsify.program import Program
from sparsify.recipe import Model, Optimization, Recipe
from sparsify.run.setup import Setup, captured
from sparsify.training import Session, train
from sparsify.training.reading import best_precision
from sparsify.watch import Watch

WEIGHTS = "model.safetensors"


def given_teacher(recipe: Recipe, setup: Setup) -> Program | None:
    """The teacher that the recipe names; None where one is to be fine-tuned, or none is wanted.

    Raises:
        Problem: it cannot be loaded, or was fine-tuned for other labels than the data's.
    """
    if recipe.teacher is None or recipe.teacher.model is None:
        return None
    given = Model(path=recipe.teacher.model)
    return captured(given, recipe, setup.dataset, fine_tuned=True).program


def fine_tune(
    dense: Program,
    settings: Optimization,
    setup: Setup,
    work: Path,
    seed: int,
    resume: bool,
    watch: Watch,
) -> None:
    """Fine-tune `dense`, in place, on the data of `setup`.

    The result is kept in the cache, under a key of everything that it depends on, and taken from
    there by every later run.
    """
    kept = cache() / "teachers" / _key(dense, settings, setup, seed) / WEIGHTS
    if (weights := kept_tensors(kept)) is not None:
        dense.module.load_state_dict(weights)
        watch.note(f"the teacher was fine-tuned before; it comes from {kept.parent}")
        return
    of_teacher = session(dense, None, setup, settings, work / "teacher", seed, watch)
    train(
        of_teacher,
        settings,
        evaluate_every=max(1, of_teacher.steps // 3),
        resume=resume,
        seed=seed,
    )
    keep_tensors(kept, dense.module.state_dict())
    shutil.rmtree(work / "teacher")


def session(
    program: Program,
    teacher: Program | None,
    setup: Setup,
    settings: Optimization,
    folder: Path,
    seed: int,
    watch: Watch,
) -> Session:
    """A training session over the data of `setup`, with the rows of every step fixed."""
    assert setup.train is not None
    assert setup.validation is not None
    count = len(setup.train)
    per_epoch = max(1, count // settings.batch)
    epochs = 3.0 if settings.epochs is None else settings.epochs
    steps = settings.steps or max(1, round(epochs * per_epoch))
    batches = batches_by_length(setup.train.lengths, settings.batch, steps, seed)
    return Session(
        student=program,
        teacher=teacher,
        data=setup.train,
        validation=setup.validation,
        batches=batches,
        folder=folder,
        precision=best_precision(settings.precision, next(program.module.parameters()).device),
        watch=watch,
    )


def _key(dense: Program, settings: Optimization, setup: Setup, seed: int) -> str:
    """A digest of the weights, the rows, the settings and the versions that make a teacher."""
    assert setup.train is not None
    said = {
        "settings": settings.model_dump(mode="json", exclude_defaults=True),
        "seed": seed,
        "versions": {name: version(name) for name in ("torch", "transformers")},
        "threads": torch.get_num_threads(),
        "device": str(next(dense.module.parameters()).device),
    }
    if isinstance(setup.train, Masked):
        said["hidden"] = setup.train.share
    sha = hashlib.sha256(json.dumps(said, sort_keys=True).encode())
    for name, tensor in dense.module.state_dict().items():
        sha.update(name.encode())
        sha.update(tensor.cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    for row, label in zip(setup.train.rows, setup.train.labels.tolist(), strict=True):
        sha.update(f"{label} {list(row['input_ids'])}".encode())
    return sha.hexdigest()[:24]
