"""What every run begins with: the data, the model, and the captured program."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from sparsify import data, models, saving
from sparsify.capture import capture
from sparsify.capture.fixed import capture_at
from sparsify.errors import Problem
from sparsify.models.heads import same_labels
from sparsify.program import Program
from sparsify.recipe import Model, Recipe
from sparsify.report import SelfTest
from sparsify.run.augmenting import with_copies
from sparsify.run.calibration import calibration
from sparsify.run.clock import Clock
from sparsify.self_test import self_test


def _dotted(*keys: str | int) -> str:
    return ".".join(map(str, keys))


@dataclass
class Setup:
    """A captured model, and the labelled text that it will be trained and measured on."""

    source: models.Source
    program: Program
    tested: SelfTest | None
    """What the self-test of the capture saw; None when it was switched off."""
    dataset: data.Dataset | None = None
    train: data.Encoded | None = None
    validation: data.Encoded | None = None

    @property
    def longest(self) -> int | None:
        """The most tokens that the model takes; None: any number."""
        return models.sequence_limit(self.source)


def prepare(recipe: Recipe, clock: Clock, *, at: Callable[..., str] = _dotted) -> Setup:
    """Load the data and the model that `recipe` names, and capture the model.

    `at` tells where a key of the recipe stands.

    Raises:
        Problem: no model is named, or something of it is missing or does not fit.
    """
    if recipe.model is None:
        raise no_model("model")
    dataset = None
    if recipe.data is not None:
        with clock.phase("data"):
            dataset = data.load(recipe.data, seed=recipe.seed)
        for note in dataset.notes:
            clock.watch.note(note)
    with clock.phase("capture"):
        setup = captured(recipe.model, recipe, dataset, at=at)
    for note in setup.source.notes:
        clock.watch.note(note)
    if setup.tested is not None:
        clock.watch.note(
            f"the graph equals the model at {len(setup.tested.shapes)} other shapes: outputs to "
            f"{setup.tested.max_output_difference:.0e}, gradients to "
            f"{setup.tested.max_gradient_difference:.0e} ({setup.tested.seconds:.1f} s)"
        )
    if dataset is not None and recipe.data is not None:
        tokenizer = setup.source.needed_tokenizer()
        names = _text_inputs(setup)
        encoder = data.Encoder(
            recipe.data, tokenizer, names, setup.longest, dataset.label_names, recipe.seed
        )
        rows = encoder.train(dataset.train)
        setup.train = with_copies(recipe, rows, setup.program, tokenizer, at)
        setup.validation = encoder.validation(dataset.validation)
        count = recipe.data.calibration_rows
        setup.program.samples = calibration(rows, count, _device())
    return setup


def captured(
    model: Model,
    recipe: Recipe,
    dataset: data.Dataset | None,
    *,
    fine_tuned: bool = False,
    length: int | None = None,
    at: Callable[..., str] = _dotted,
) -> Setup:
    """Load and capture one model for the task of `dataset`, on the best device there is.

    With a `length` it is captured for one text of so many tokens, at most, which is faster.

    Raises:
        Problem: the model cannot be loaded or captured, or is `fine_tuned` for other labels.
    """
    if saving.is_saved(model.path):
        return _restored(model.path, dataset)
    wanted = None if dataset is None else models.Wanted(dataset.task, dataset.label_names)
    source = models.load_model(model, wanted, seed=recipe.seed, fine_tuned=fine_tuned)
    # on the CPU, where an id that is too large is an error and no crash
    inputs, dynamic = _told(at, models.example_inputs, source, given=recipe.capture.inputs)
    source.module.to(_device())
    on_device = {name: value.to(_device()) for name, value in inputs.items()}
    opaque = recipe.capture.opaque
    given: tuple[Any, ...] = (source.module, on_device, dynamic)
    if length is None:
        program: Program = _told(at, capture, *given, opaque=opaque)
    else:
        sizes = {"batch": 1, "sequence": min(length, models.sequence_limit(source) or length)}
        program = _told(at, capture_at, *given, sizes, opaque=opaque)
    source.notes += [f"{source.name}: {note}." for note in program.origin.notes]
    tested = self_test(source.module, program) if recipe.capture.check else None
    return Setup(source, program, tested, dataset)


def _restored(path: str, dataset: data.Dataset | None) -> Setup:
    """What `sparsify.save` left; loading it has compared it with what was saved."""
    source, program = saving.restored(path)
    if dataset is not None and source.config is not None:
        same_labels(path, source.config, models.Wanted(dataset.task, dataset.label_names))
    program.to(_device())
    return Setup(source, program, None, dataset)


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _told(at: Callable[..., str], function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """What `function` returns; a problem of the key `capture` is told where it stands."""
    try:
        return function(*args, **kwargs)
    except Problem as problem:
        key, colon, inside = problem.where.partition(": ")
        if not key.startswith("capture."):
            raise
        where = at(*key.split(".")) + colon + inside
        raise Problem(problem.what, where=where, hint=problem.hint) from None


def _text_inputs(setup: Setup) -> list[str]:
    """The inputs of a model that is to learn from text.

    Raises:
        Problem: a tokenizer does not give all of them.
    """
    for name in setup.program.inputs:
        if name not in models.TEXT:
            raise Problem(
                f"a model that takes {name!r} cannot be trained on text",
                where=setup.source.name,
                hint="drop `data` to prune it without training",
            )
    return list(setup.program.inputs)


def no_model(where: str) -> Problem:
    """The problem of a recipe that leaves the model to the command line."""
    return Problem("the recipe names no model", where=where, hint="add `--model FOLDER`")
