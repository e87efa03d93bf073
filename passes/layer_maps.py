"""Layer maps: which layer of the teacher does each layer of the student learn from?"""

from __future__ import annotations

from typing import Literal

from sparsify.errors import Problem

LayerMap = Literal["uniform", "one-to-one", "skip", "last"]


def layer_map(kind: LayerMap, student: int, teacher: int) -> list[int]:
    """For each of `student` layers the teacher's layer, both counted from 1.

    `uniform`: layer i learns from round(i * teacher / student); Jiao et al. 2019,
    arXiv:1909.10351. `skip`: from every (teacher // student)-th; `last`: from the last `student`
    layers; Sun et al. 2019, arXiv:1908.09355. `one-to-one`: from the same.

    Raises:
        Problem: there are too few layers for it.
    """
    if kind == "uniform":
        # halves go up, in whole numbers
        return [max(1, (2 * i * teacher + student) // (2 * student)) for i in _layers(student)]
    if student > teacher or (kind == "one-to-one" and student != teacher):
        raise Problem(
            f"the student has {student} layers and the teacher {teacher}: no map `{kind}`",
            hint="set `layers: uniform`",
        )
    if kind == "skip":
        return [i * (teacher // student) for i in _layers(student)]
    return [teacher - student + i for i in _layers(student)]


def _layers(count: int) -> range:
    return range(1, count + 1)
