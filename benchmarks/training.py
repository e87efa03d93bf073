"""Training and compiling: what masks, CAP, mask updates and the passes cost."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import prune
from transformers import PreTrainedModel

from benchmarks.case import Case, Goal, judge
from benchmarks.shapes import BERT_BASE, MINILM, TINY, Shape, examples
from benchmarks.steps import Course, DutyStep, compiled, masked_and_plain, session
from benchmarks.timing import Contender, in_turns
from sparsify import schema
from sparsify.analysis.products import products
from sparsify.capture import capture
from sparsify.pipeline import Pass
from sparsify.program import Program
from sparsify.schema.said import read
from sparsify.self_test import self_test

RECIPE = "cap-movement-90"
SPARSITY = 0.9
PAIRS = 11
SLOW_PAIRS = 5
"""Of what takes tens of seconds."""


def cases(quick: bool) -> Iterator[Case]:
    """Every case in turn; with `quick` on a model of two tiny layers, in seconds."""
    passes = schema.read(RECIPE).recipe.passes
    shape = TINY if quick else MINILM
    dense = compiled(shape.model(), [])
    yield masked_step(quick, shape, dense)
    yield cap_step(quick, shape, dense, passes, live_teacher=False)
    yield cap_step(quick, shape, dense, passes, live_teacher=True)
    yield compile_all(quick, passes)
    yield check_capture(quick)
    yield mask_update(quick)


def masked_step(quick: bool, shape: Shape, dense: Program) -> Case:
    batch, sequence = (2, 8) if quick else (16, 64)
    ours, plain = masked_and_plain(shape, dense, _one_shot(), batch, sequence)
    timing = in_turns(Contender(ours), Contender(plain), pairs=2 if quick else PAIRS, warmup=2)
    says = (
        f"a training step of {shape}, {SPARSITY:.0%} masked, against the eager Hugging Face model"
    )
    return judge("training", "masked_step", timing, says, Goal("<=", 1.10), quick=quick)


def cap_step(
    quick: bool, shape: Shape, dense: Program, passes: Sequence[Pass], *, live_teacher: bool
) -> Case:
    pairs, warmup = (2, 1) if quick else (PAIRS, 2)
    course = Course(
        batch=2 if quick else 16,
        sequence=8 if quick else 64,
        timed=pairs + warmup,
        distinct=4,
        others=32 if quick else 4096,
    )
    without = [each for each in passes if each.tag != "contrast"]
    with tempfile.TemporaryDirectory() as folder:
        cap, kd = (
            DutyStep(
                session(shape, dense, chosen, course, Path(folder) / name),
                course.first,
                live_teacher,
            )
            for name, chosen in (("cap", passes), ("kd", without))
        )
        timing = in_turns(Contender(cap), Contender(kd), pairs=pairs, warmup=warmup)
    name = "cap_step_live_teacher" if live_teacher else "cap_step"
    how = "the teacher run in every step" if live_teacher else "the teacher's values kept"
    says = f"a CAP step of {shape} against distillation alone, movement masks in both, {how}"
    goal = None if live_teacher else Goal("<=", 1.15)
    return judge("training", name, timing, says, goal, quick=quick)


def mask_update(quick: bool) -> Case:
    from passes.masking import write_masks
    from passes.places import find_places
    from passes.prune import Prune

    shape = TINY if quick else BERT_BASE
    program = weights_alone(shape)
    names = list(program.masks())
    settings = Prune.model_validate(
        {"criterion": "magnitude", "sparsity": SPARSITY, "scope": "global"}
    )
    places, _ = find_places(program, settings.pattern, settings.targets)
    modules: list[tuple[nn.Module, str]] = []

    def renew() -> None:
        modules.clear()
        for name in names:
            owner = nn.Module()
            owner.weight = nn.Parameter(program.tensor(name).detach())
            modules.append((owner, "weight"))

    def theirs() -> None:
        prune.global_unstructured(modules, prune.L1Unstructured, amount=SPARSITY)

    def ours() -> None:
        write_masks(settings, program, places, SPARSITY, {})

    timing = in_turns(
        Contender(ours), Contender(theirs, renew), pairs=2 if quick else SLOW_PAIRS, warmup=0
    )
    count = sum(program.tensor(name).numel() for name in names)
    says = (
        f"global masks of {count / 1e6:.1f} M weights at {SPARSITY:.0%}, against "
        "torch.nn.utils.prune.global_unstructured"
    )
    return judge("training", "mask_update", timing, says, Goal(">=", 5), quick=quick)


def compile_all(quick: bool, passes: Sequence[Pass]) -> Case:
    shape = TINY if quick else BERT_BASE
    model = shape.model()
    timing = in_turns(
        Contender(lambda: compiled(model, passes)),
        Contender(lambda: bare_export(model)),
        pairs=1 if quick else SLOW_PAIRS,
        warmup=0 if quick else 1,
    )
    says = f"capture and all passes of a CAP recipe, {shape}, against a bare torch.export"
    return judge("training", "compile", timing, says, Goal("<=", 3), quick=quick)


def check_capture(quick: bool) -> Case:
    shape = TINY if quick else BERT_BASE
    model = shape.model()
    program = compiled(model, [])
    timing = in_turns(
        Contender(lambda: self_test(model, program)),
        Contender(lambda: compiled(model, [])),
        pairs=1 if quick else SLOW_PAIRS,
        warmup=0 if quick else 1,
    )
    says = f"the capture's self-test, {shape}, against the capture itself"
    return judge("training", "self_test", timing, says, None, quick=quick)


def bare_export(model: PreTrainedModel) -> torch.export.ExportedProgram:
    """What the capture stands on, without anything of ours."""
    inputs, dynamic = examples(model)
    shapes = {
        name: dict.fromkeys(dimensions, torch.export.Dim.DYNAMIC)
        for name, dimensions in dynamic.items()
    }
    return torch.export.export(model, (), kwargs=inputs, dynamic_shapes=shapes, strict=False)


class Matrices(nn.Module):
    """Nothing but the matrices of `shape`, drawn as BERT draws them; it sums what they make."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.weights = nn.ParameterList(
            nn.Parameter(torch.randn(size) * 0.02) for size in shape.matrices().values()
        )

    def forward(self, x: Tensor) -> Tensor:
        """f32[batch] from f32[batch, width of the widest input]."""
        made = [F.linear(x[:, : weight.shape[1]], weight).sum(1) for weight in self.weights]
        return torch.stack(made).sum(0)


def weights_alone(shape: Shape) -> Program:
    """A program of the masked matrices of `shape`."""
    program = capture(Matrices(shape), {"x": torch.zeros(2, 4 * shape.width)}, {})
    for use in products(program):
        program.mask(use.attribute, [use.reader])
    return program


def _one_shot() -> list[Pass]:
    settings = {"criterion": "magnitude", "sparsity": SPARSITY}
    return read(["clean", "insert-masks", {"prune": settings}]).passes
