"""The data set of a recipe: from files, from the hub, or made on the spot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from sparsify.data import columns, documents, files, hub, labels, squad, tagged
from sparsify.data.docstrings import make
from sparsify.data.table import Table, choose_text, texts
from sparsify.data.text import Dataset, Documents, Rows, Split
from sparsify.errors import Problem
from sparsify.recipe_data import Data

Held = TypeVar("Held", bound=Rows)
HELD_OUT = 0.1
"""The share of the training rows that is held out where no validation rows are given."""
FIXED = 0
"""The seed of what must stay the same when a recipe's seed changes: the validation rows."""


def load(spec: Data, *, seed: int) -> Dataset:
    """The rows that `spec` describes; `seed` draws the training rows where only some are used.

    Which rows are held out for validation does not depend on `seed`: runs stay comparable.

    Raises:
        Problem: a file, a column or a label is not as it must be; the message says where.
    """
    _one_source(spec)
    if spec.made:
        return _cut(make(), spec, seed)
    match spec.task:
        case "question-answering":
            return _cut(_questions(spec), spec, seed)
        case "token-classification":
            return _cut(_sentences(spec), spec, seed)
        case "fill-mask" | "text-generation":
            return _documents(spec)
    if spec.hub:
        train, validation, names = hub.read(spec.hub, spec.subset, spec.label)
    else:
        train = files.read(str(spec.train))
        validation = files.read(spec.validation) if spec.validation else None
        names = None
    return _cut(_dataset(spec, train, validation, names), spec, seed)


def _one_source(spec: Data) -> None:
    given = [key for key in ("train", "hub", "made") if getattr(spec, key)]
    if not given:
        raise Problem("no rows to learn from", where="data", hint="set train, hub or made")
    if len(given) > 1:
        raise Problem(
            f"{' and '.join(given)} exclude each other", where="data", hint="keep one of them"
        )
    for key, owner in (("validation", "train"), ("subset", "hub")):
        if getattr(spec, key) and given != [owner]:
            raise Problem(f"{key} goes with {owner}, not with {given[0]}", where="data")
    if spec.made and (spec.text or spec.regression):
        raise Problem("text and regression do not go with made", where="data")


def _dataset(
    spec: Data, train: Table, validation: Table | None, names: tuple[str, ...] | None
) -> Dataset:
    notes = []
    train.column(spec.label, key="data.label")
    columns = spec.text or choose_text(train, spec.label)
    if not spec.text:
        notes.append(f"{train.source}: text is read from {' and '.join(columns)}.")
    if not spec.regression:
        names = names or labels.class_names(train, spec.label)
    learned = _split(train, columns, spec.label, names)
    if validation is not None:
        checked = _split(validation, columns, spec.label, names)
    else:
        learned, checked = _hold_out(learned, train.source, notes)
    return Dataset(learned, checked, () if spec.regression else names or (), tuple(columns), notes)


def _questions(spec: Data) -> Dataset:
    notes: list[str] = []
    if spec.hub:
        source, (train, validation, _) = spec.hub, hub.read(spec.hub, spec.subset, spec.label)
        learned = squad.from_table(train)
        checked = None if validation is None else squad.from_table(validation)
    else:
        source = str(spec.train)
        learned = squad.read(source)
        checked = squad.read(spec.validation) if spec.validation else None
    if checked is None:
        learned, checked = _hold_out(learned, source, notes)
    return Dataset(learned, checked, (), squad.COLUMNS, notes, spec.task)


def _sentences(spec: Data) -> Dataset:
    notes: list[str] = []
    if spec.hub:
        train, validation, known = hub.read(spec.hub, spec.subset, spec.label)
    else:
        train = columns.table_of(str(spec.train))
        validation = columns.table_of(spec.validation) if spec.validation else None
        known = None
    words, tags = columns.named(train, spec.text, spec.label)
    names = known or tagged.tag_names(train, tags)
    learned = tagged.sentences(train, words, tags, names)
    if validation is None:
        learned, checked = _hold_out(learned, train.source, notes)
    else:
        checked = tagged.sentences(validation, words, tags, names)
    return Dataset(learned, checked, names, (words, tags), notes, spec.task)


def _documents(spec: Data) -> Dataset:
    notes: list[str] = []
    if spec.hub:
        source, (train, validation, _) = spec.hub, hub.read(spec.hub, spec.subset, "")
        learned = documents.from_table(train, spec.text)
        checked = None if validation is None else documents.from_table(validation, spec.text)
    else:
        source = str(spec.train)
        learned = documents.read(source, spec.text)
        checked = documents.read(spec.validation, spec.text) if spec.validation else None
    if checked is None:
        learned, checked = _hold_out(learned, source, notes)
    return Dataset(learned, checked, (), tuple(spec.text), notes, spec.task)


def _split(
    table: Table, columns: Sequence[str], label: str, names: tuple[str, ...] | None
) -> Split:
    found = labels.classes(table, label, names) if names else labels.targets(table, label)
    return Split(texts(table, columns), found)


def _hold_out(split: Held, source: str, notes: list[str]) -> tuple[Held, Held]:
    """All rows but a tenth, and that tenth; a sentence on it goes to `notes`."""
    if len(split) < 2:
        raise Problem(
            "one row is not enough to hold some out", where=source, hint="set data.validation"
        )
    count = max(1, round(len(split) * HELD_OUT))
    order = np.random.default_rng(FIXED).permutation(len(split)).tolist()
    if isinstance(split, Documents):
        # what is held out of running text goes on from where the rest ends
        order = list(range(len(split)))[::-1]
    notes.append(f"{source}: {count:,} of {len(split):,} rows are held out for validation.")
    return split.rows(sorted(order[count:])), split.rows(sorted(order[:count]))


def _cut(dataset: Dataset, spec: Data, seed: int) -> Dataset:
    """Keep as many rows as asked for, and say what was left out."""
    notes = list(dataset.notes)
    kept = []
    for name, split, count, draw in (
        ("train", dataset.train, spec.train_rows, seed),
        ("validation", dataset.validation, spec.validation_rows, FIXED),
    ):
        if count is None:
            kept.append(split)
            continue
        kept.append(split.sample(count, seed=draw))
        if count > len(split):
            notes.append(f"{name}_rows asks for {count:,} rows, all {len(split):,} are used.")
        elif count < len(split):
            notes.append(f"{count:,} of {len(split):,} {name} rows are used.")
    return replace(dataset, train=kept[0], validation=kept[1], notes=notes)
