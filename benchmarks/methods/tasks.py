"""The tasks: their files, the rows held out from training, and how long their texts are."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sparsify.atomic import write_text
from sparsify.data import files
from sparsify.data.table import Table
from sparsify.errors import Problem


@dataclass(frozen=True)
class Task:
    """A task of two official splits, of which only `train` is learned from."""

    name: str
    train: str
    validation: str
    text: tuple[str, ...]
    max_length: int
    held_out: int
    """How many rows of `train` are set aside to measure on: no run and no teacher sees them."""
    folds: bool = False
    """Whether each seed sets others aside; for tasks with few rows."""
    settings: tuple[str, ...] = ()
    """What else is set in every recipe."""
    contrast: tuple[str, ...] = ()
    """For contrastive terms."""

    @property
    def columns(self) -> tuple[str, ...]:
        """All that a row holds."""
        return (*self.text, "label")

    @property
    def suffix(self) -> str:
        return ".tsv"

    def line(self, table: Table, row: int) -> str:
        """A row as a line of a file."""
        return "\t".join(str(table.columns[name][row]) for name in self.columns)

    def head(self) -> list[str]:
        return ["\t".join(self.columns)]

    def named(self, data: Path, work: Path, seed: int) -> Split:
        """The files of the task for the runs of one seed, whether they are there or not."""
        folder = work / "data" / f"{self.name}-{self._draw(seed)}"
        train, held_out = (folder / f"{name}{self.suffix}" for name in ("train", "held-out"))
        return Split(train, data / self.validation, held_out)

    def _draw(self, seed: int) -> int:
        return seed if self.folds else 0

    def split(self, data: Path, work: Path, seed: int) -> Split:
        """The files of the task for the runs of one seed; made in `work` if they are not there.

        Texts that stand in `train` more than once are never held out, so that no text is in both.

        Raises:
            Problem: `data` has no such files.
        """
        source = data / self.train
        if not source.is_file():
            raise Problem(
                "no such file",
                where=str(source),
                hint="name the folder of the tasks: --data FOLDER, or SPARSIFY_TASKS",
            )
        found = self.named(data, work, seed)
        if not found.held_out.exists():
            self._write(files.read(str(source)), found, self._draw(seed))
        return found

    def _write(self, table: Table, to: Split, draw: int) -> None:
        texts = list(zip(*(table.columns[name] for name in self.text), strict=True))
        times = Counter(texts)
        order = np.random.default_rng(draw).permutation(len(texts)).tolist()
        once = [row for row in order if times[texts[row]] == 1]
        aside = set(once[: self.held_out])
        to.train.parent.mkdir(parents=True, exist_ok=True)
        rows = range(len(texts))
        # the held-out rows last: where they are, both are
        for path, chosen in (
            (to.train, [row for row in rows if row not in aside]),
            (to.held_out, sorted(aside)),
        ):
            lines = [*self.head(), *(self.line(table, row) for row in chosen)]
            write_text(path, "\n".join(lines) + "\n")


@dataclass(frozen=True)
class Answers(Task):
    """A task of questions, with a JSON object for each."""

    @property
    def columns(self) -> tuple[str, ...]:
        return (*self.text, "answers")

    @property
    def suffix(self) -> str:
        return ".jsonl"

    def line(self, table: Table, row: int) -> str:
        return json.dumps({name: table.columns[name][row] for name in self.columns})

    def head(self) -> list[str]:
        return []


@dataclass(frozen=True)
class Split:
    """The files of one run: what it learns from, and the two that it is measured on."""

    train: Path
    validation: Path
    held_out: Path


TASKS = {
    task.name: task
    for task in (
        Task("sst2", "sst2/train.tsv.gz", "sst2/validation.tsv.gz", ("sentence",), 64, 6000),
        Task(
            "mrpc",
            "mrpc/train.tsv.gz",
            "mrpc/validation.tsv.gz",
            ("sentence1", "sentence2"),
            128,
            458,
            folds=True,
        ),
        Task(
            "qnli",
            "qnli/train_derived.tsv.gz",
            "qnli/validation.tsv.gz",
            ("question", "sentence"),
            128,
            6000,
        ),
        Answers(
            "squad",
            "squad/train_subset.jsonl.gz",
            "squad/validation.jsonl.gz",
            ("context", "question"),
            384,
            3000,
            settings=("data.task=question-answering", "data.stride=128"),
            # an answer is no class; what else differs is from the paper's program for SQuAD
            contrast=("representation=cls", "supervised=0", "unsupervised=0.5"),
        ),
    )
}
