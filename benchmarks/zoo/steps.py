"""What every model of the zoo goes through: one function a step, which raises where it fails."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import passes  # noqa: F401  importing it registers every pass and method
from benchmarks.zoo.answers import answers, difference, require_equal
from benchmarks.zoo.specimen import Specimen
from sparsify import export, schema
from sparsify.analysis.accounts import PRUNABLE, accounts
from sparsify.analysis.coupling import structures
from sparsify.capture import capture
from sparsify.errors import CheckFailed
from sparsify.models import example_inputs
from sparsify.pipeline import Pass, apply
from sparsify.program import Program
from sparsify.recipe import Export

SEEDS = (0, 1)
SHRINK = "shrink"
NOUNS = {"head": "heads", "kv-group": "heads", "neuron": "neurons"}


def captured(it: Specimen) -> None:
    it.program = capture(it.model, *example_inputs(it.source))


def outputs_equal(it: Specimen) -> None:
    for inputs in it.inputs():
        expected = answers(it.model, inputs)
        found = answers(it.program.module, inputs)
        require_equal("outputs", expected.outputs, found.outputs)


def gradients_equal(it: Specimen) -> None:
    for inputs in it.inputs():
        expected = answers(it.model, inputs, it.parameters)
        found = answers(it.program.module, inputs, it.parameters)
        require_equal("gradients", expected.gradients, found.gradients)


def modes_switch(it: Specimen) -> None:
    """In train mode the random draws are the model's own, and in eval mode there are none."""
    inputs, steady, trained = it.inputs()[-1], it.program.origin.steady, []
    for seed in SEEDS:
        ask = partial(answers, inputs=inputs, parameters=it.parameters, training=True, seed=seed)
        expected, found = ask(it.model, steady=steady), ask(it.program.module)
        require_equal("outputs in train mode", expected.outputs, found.outputs)
        require_equal("gradients in train mode", expected.gradients, found.gradients)
        trained.append((expected.outputs, found.outputs))
    of_model, of_program = zip(*trained, strict=True)
    if bool(difference(*of_model)) != bool(difference(*of_program)):
        raise CheckFailed("dropout is active in only one of module and program")
    expected, found = answers(it.model, inputs), answers(it.program.module, inputs)
    require_equal("outputs back in eval mode", expected.outputs, found.outputs)


def accounted(it: Specimen) -> None:
    """Every parameter can be pruned, or has a reason why not."""
    reasons = accounts(it.program)
    names = dict(it.model.named_parameters())
    if silent := [name for name in names if not reasons.get(name)]:
        raise CheckFailed(f"nothing is said of {silent[0]!r}")
    if unknown := sorted(reasons.keys() - names.keys()):
        raise CheckFailed(f"the model has no parameter {unknown[0]!r}")
    if PRUNABLE not in reasons.values():
        raise CheckFailed("nothing can be pruned")


def masks_hold(it: Specimen) -> None:
    """Half of every weight is masked; zeros get no gradient, and folding them changes nothing."""
    program = it.program.clone()
    apply(schema.read("magnitude-oneshot").recipe.passes, program)
    masks = program.masks()
    learned = dict(program.module.named_parameters())
    masks = {name: mask for name, mask in masks.items() if learned[name].requires_grad}
    weights = [learned[name] for name in masks]
    found = answers(program.module, it.inputs()[0], weights)
    for (name, mask), gradient in zip(masks.items(), found.gradients, strict=True):
        if gradient[mask == 0].any():
            raise CheckFailed(f"{name!r} gets a gradient where it is masked")
        if abs(float(mask.mean()) - 0.5) * mask.numel() > 1:
            raise CheckFailed(f"the mask of {name!r} is not half zero")
    if not any(gradient.any() for gradient in found.gradients):
        raise CheckFailed("no masked weight gets a gradient")
    apply(Export().passes, program)


def structures_pruned(it: Specimen) -> None:
    """Half of the heads and neurons of every layer are masked."""
    program = it.program.clone()
    apply([each for each in _structured() if each.tag != SHRINK], program)
    it.masked = program


def shrunk_equal(it: Specimen) -> str:
    """What is left without the masked units computes the same."""
    program = it.masked.clone()
    apply([each for each in _structured() if each.tag == SHRINK], program)
    if program.parameter_count() >= it.masked.parameter_count():
        raise CheckFailed("nothing was removed")
    for inputs in it.inputs():
        require_equal("outputs", it.masked.outputs(inputs), program.outputs(inputs))
    it.shrunk = program
    before, after = _units(it.masked), _units(program)
    return ", ".join(f"{after[noun]} of {count} {noun}" for noun, count in before.items())


def exported(it: Specimen) -> None:
    settings = Export()
    apply(settings.passes, it.shrunk)
    export.emit(it.shrunk, it.file, opset=settings.opset)


def runs_in_onnx_runtime(it: Specimen) -> None:
    tolerance = Export().tolerance
    export.require(export.parity(it.shrunk, it.file, longest=it.longest, tolerance=tolerance))


def _structured() -> list[Pass]:
    return schema.read("structured-oneshot").recipe.passes


def _units(program: Program) -> Counter[str]:
    """How many heads and neurons a program has, those that cannot be removed among them."""
    found = Counter(dict.fromkeys(NOUNS.values(), 0))
    for each in structures(program):
        if each.kind in NOUNS:
            found[NOUNS[each.kind]] += len(each.units)
    return found


@dataclass(frozen=True)
class Step:
    """One column of the page."""

    name: str
    run: Callable[[Specimen], str | None]
    """Says what was seen, or nothing."""
    needs: str = "capture"
    """The step whose result it starts from."""


STEPS = (
    Step("capture", captured, needs=""),
    Step("outputs", outputs_equal),
    Step("gradients", gradients_equal),
    Step("train/eval", modes_switch),
    Step("accounted", accounted),
    Step("mask", masks_hold),
    Step("structures", structures_pruned),
    Step("shrink", shrunk_equal, needs="structures"),
    Step("export", exported, needs="shrink"),
    Step("ONNX Runtime", runs_in_onnx_runtime, needs="export"),
)
