"""What every run begins with: the data, the model, and the captured program."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from sparsify import data, models
from sparsify.capture import capture
from sparsify.errors import Problem
from sparsify.program import Program
from sparsify.recipe import Model, Recipe
from sparsify.report import SelfTest
from sparsify.run.clock import Clock
from sparsify.self_test import self_test


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

    @property
    def regression(self) -> bool:
        return self.dataset is not None and self.dataset.regression


def prepare(recipe: Recipe, clock: Clock) -> Setup:
    """Load the data and the model that `recipe` names, and capture the model.

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
        setup = captured(recipe.model, recipe, dataset)
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
        names = list(setup.program.inputs)
        length = recipe.data.max_length
        setup.train = data.encode(dataset.train, tokenizer, length, names)
        setup.validation = data.encode(dataset.validation, tokenizer, length, names)
    return setup


def captured(
    model: Model, recipe: Recipe, dataset: data.Dataset | None, *, fine_tuned: bool = False
) -> Setup:
    """Load and capture one model for the task of `dataset`, on the best device there is.

    Raises:
        Problem: the model cannot be loaded or captured, or is `fine_tuned` for other labels.
    """
    labels = None if dataset is None else dataset.label_names
    regression = dataset is not None and dataset.regression
    source = models.load_model(
        model, labels=labels, regression=regression, seed=recipe.seed, fine_tuned=fine_tuned
    )
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    source.module.to(device)
    inputs, dynamic = models.example_inputs(source)
    on_device = {name: value.to(device) for name, value in inputs.items()}
    program = capture(source.module, on_device, dynamic)
    tested = self_test(source.module, program) if recipe.capture.check else None
    return Setup(source, program, tested, dataset)


def no_model(where: str) -> Problem:
    """The problem of a recipe that leaves the model to the command line."""
    return Problem("the recipe names no model", where=where, hint="add `--model FOLDER`")
