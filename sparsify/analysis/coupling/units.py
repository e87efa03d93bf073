"""Classes of channels, told as structures made of units."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from sparsify.analysis.coupling.ids import Classes, Numbers
from sparsify.analysis.coupling.marks import Marks
from sparsify.analysis.coupling.walk import Walk
from sparsify.analysis.structures import Part, Structure, Units


@dataclass(frozen=True)
class Found:
    """A structure, and the classes of ids that are its units."""

    structure: Structure
    classes: tuple[int, ...]


@dataclass(frozen=True)
class _Axis:
    parameter: str
    axis: int
    reads: bool
    makes: bool


def found(walk: Walk, classes: Classes) -> list[Found]:
    """Every structure, in the order in which their first channels are stored."""
    marks = Marks(walk, classes)
    axes, owner, place, index = _laid_out(walk, classes, marks)
    structures = [
        _structure(axes, members, parts, classes, marks)
        for members, parts in _alike(owner, place, index)
    ]
    return sorted(structures, key=lambda each: each.classes[0])


def _laid_out(
    walk: Walk, classes: Classes, marks: Marks
) -> tuple[list[_Axis], Numbers, Numbers, Numbers]:
    """Every index of every axis that belongs to a class which a weight makes.

    They are sorted by class, then axis: i64[n] each for the class, the axis and the index.
    """
    axes: list[_Axis] = []
    owner, place, index = [], [], []
    for node in walk.program.parameters():
        for axis, ids in enumerate(walk.sources[node]):
            mine = classes.of(ids)
            here = marks.made_classes[mine].nonzero().flatten()
            if len(here):
                reads, makes = bool(marks.read[ids].any()), bool(marks.made[ids].any())
                owner.append(mine[here])
                place.append(torch.full_like(here, len(axes)))
                index.append(here)
                axes.append(_Axis(str(node.target), axis, reads, makes))
    empty = torch.zeros(0, dtype=torch.int64)
    columns = [torch.cat([empty, *each]).numpy() for each in (owner, place, index)]
    order = np.lexsort((columns[2], columns[1], columns[0]))
    return axes, *(column[order] for column in columns)  # type: ignore[return-value]


def _alike(
    owner: Numbers, place: Numbers, index: Numbers
) -> Iterator[tuple[Numbers, list[tuple[int, Numbers]]]]:
    """Classes that have equally many indices on the same axes, with those indices."""
    coded = np.stack([owner, place])
    starts = np.flatnonzero(np.any(np.diff(coded, axis=1, prepend=-1), axis=0))
    counts = np.diff(starts, append=len(owner))
    _, first = np.unique(owner[starts], return_index=True)
    runs = np.diff(first, append=len(starts))
    for length in np.unique(runs):
        same = first[runs == length]
        rows = same[:, None] + np.arange(length)
        signature = np.concatenate([place[starts[rows]], counts[rows]], axis=1)
        _, group = np.unique(signature, axis=0, return_inverse=True)
        for each in range(int(group.max()) + 1):
            mine = rows[group.ravel() == each]
            parts = []
            for run in range(int(length)):
                at = starts[mine[:, run]]
                width = np.arange(counts[mine[0, run]])
                parts.append((int(place[at[0]]), index[at[:, None] + width]))
            yield owner[starts[mine[:, 0]]], parts


def _structure(
    axes: list[_Axis],
    members: Numbers,
    parts: list[tuple[int, Numbers]],
    classes: Classes,
    marks: Marks,
) -> Found:
    units = Units(
        tuple(
            Part(axes[place].parameter, axes[place].axis, axes[place].reads, indices)
            for place, indices in parts
        )
    )
    names = [axes[place].parameter for place, _ in parts if axes[place].makes]
    own = tuple(members.tolist())
    frozen = next((classes.frozen[each] for each in own if each in classes.frozen), "")
    if not frozen and not any(axes[place].reads for place, _ in parts):
        frozen = "is read by no weight"
    return Found(Structure(marks.kind(own[0]), names[0], units, frozen), own)
