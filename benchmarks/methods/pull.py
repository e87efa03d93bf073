"""How hard each term of CAP's loss pulls, and whether along with distillation.

`python -m benchmarks.methods.pull DATA WORK` prints a line for each term of the first run of
`cap-movement` on SST-2, at three states of the student, without training it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean

import torch
from torch import Tensor

from benchmarks.methods.budgets import BUDGETS
from benchmarks.methods.contenders import METHODS
from benchmarks.methods.grid import Cell
from benchmarks.methods.tasks import TASKS
from sparsify.kinds import criterion, pattern
from sparsify.pipeline import Pass, apply
from sparsify.plan import Moment
from sparsify.program import Program
from sparsify.run.clock import Clock
from sparsify.run.setup import prepare
from sparsify.run.teacher import fine_tune, session
from sparsify.task_loss import task_loss
from sparsify.training import Session
from sparsify.training.reading import autocast
from sparsify.training.student import Student
from sparsify.watch import Watch

BATCHES = 4
STEPS = 40
"""The rows of so many steps are the candidates."""
TERMS = {"pretrained": "PrC", "finetuned": "FiC"}


def lines(data: Path, work: Path) -> Iterator[str]:
    """State, term, norm of its gradient on the masked weights, and its cosine with the rest's."""
    cell = Cell(TASKS["sst2"], BUDGETS["quick"], METHODS["cap-movement"], 0.9, 0)
    recipe = cell.recipe(cell.task.split(data, work, 0)).recipe
    assert recipe.teacher is not None
    assert recipe.train is not None
    setup = prepare(recipe, Clock(Watch()))
    start, teacher = setup.program.clone(), setup.program.clone()
    fine_tune(teacher, recipe.teacher.fine_tune, setup, work, 0, False, Watch())
    apply(recipe.passes, setup.program)
    short = recipe.train.model_copy(update={"steps": STEPS})
    found = session(setup.program, teacher, setup, short, work / "pull", 0, Watch())
    for duty in found.duties:
        duty.prepare(found.student, teacher)
    learner = Student(found)
    for duty in found.duties:
        duty.begin(found)
    for state, weights, sparsity in (
        ("pre-trained", start, 0.0),
        ("teacher", teacher, 0.0),
        ("teacher, 90% of it zero", teacher, 0.9),
    ):
        _put(found.student, weights, sparsity)
        pulls = [_pulls(found, learner, batch) for batch in range(BATCHES)]
        for term in pulls[0]:
            norm, cosine = (fmean(float(each[term][n]) for each in pulls) for n in (0, 1))
            yield f"{state:<26} {term:<18} {norm:8.4f} {cosine:+.2f}"


@torch.no_grad()
def _put(student: Program, weights: Program, sparsity: float) -> None:
    """Give the student other weights, and masks by magnitude."""
    own = student.module.state_dict()
    for name, value in weights.module.state_dict().items():
        own[name].copy_(value)
    once: Pass = Pass.known["prune"].model_validate(
        {
            "criterion": criterion.choose("magnitude"),
            "pattern": pattern.choose("element"),
            "sparsity": sparsity,
        }
    )
    duties, student.plan.duties = student.plan.duties, []
    apply([once], student)
    student.plan.duties = duties


def _pulls(found: Session, learner: Student, batch: int) -> dict[str, tuple[Tensor, Tensor]]:
    """Norm and cosine by term, for one batch."""
    _, distill, contrast = found.duties
    rows = found.batches[batch]
    inputs = found.data.batch(rows)
    torch.manual_seed(batch)
    learner.train()
    with autocast(torch.device("cpu"), "bf16"):
        values = learner(inputs)
    tokens = inputs["attention_mask"].bool()
    moment = Moment(batch, rows, found.labels[rows], values, found.taught(rows, inputs), tokens)
    weights = [found.student.tensor(name) for name in found.student.masks()]

    def gradient(loss: Tensor) -> Tensor:
        parts = torch.autograd.grad(loss, weights, retain_graph=True)
        return torch.cat([part.flatten() for part in parts])

    own = 0.1 * task_loss(values["logits"].float(), moment.labels)
    distance = distill.loss(moment)
    assert distance is not None
    rest = gradient(own + distance)
    terms = {"task": gradient(own), "distillation": gradient(distance)}
    settings, banks = contrast.settings, contrast.banks  # type: ignore[attr-defined]
    for source, name in TERMS.items():
        for kept, dropped in (("unsupervised", "supervised"), ("supervised", "unsupervised")):
            contrast.settings = settings.model_copy(update={dropped: 0.0})  # type: ignore[attr-defined]
            contrast.banks = {source: banks[source]}  # type: ignore[attr-defined]
            loss = contrast.loss(moment)
            assert loss is not None
            terms[f"{name} {kept}"] = gradient(loss)
    contrast.settings, contrast.banks = settings, banks  # type: ignore[attr-defined]
    return {
        name: (each.norm(), torch.dot(each, rest) / (each.norm() * rest.norm()))
        for name, each in terms.items()
    }


if __name__ == "__main__":
    for line in lines(Path(sys.argv[1]), Path(sys.argv[2])):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
